"""Pairs every input with what was given for it."""

import io
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from ultraref.apis.inference.coarse_masks import CoarseMasks
from ultraref.apis.inference.files import InputFile, find_files
from ultraref.datasets.image_io import decode_image
from ultraref.errors import UserError

ImageInput = str | os.PathLike | np.ndarray | Image.Image


@dataclass(frozen=True)
class Task:
    """An input with what was given for it.

    Attributes:
        name: what its results are called.
        file: the file; None of an array.
        array: (H, W) uint8 grey; None of a file.
        coarse: a coarse mask: a file, an array, or the masks among which its own is found by name.
        boxes: (N, 4) xyxy in the image's pixels.
        points: (N, 3), (x, y, label) in the image's pixels.
    """

    name: str
    file: InputFile | None = None
    array: np.ndarray | None = None
    coarse: str | os.PathLike | np.ndarray | CoarseMasks | None = None
    boxes: Sequence | None = None
    points: Sequence | None = None


def pair_inputs(
    inputs: ImageInput | Sequence[ImageInput], coarse=None, boxes=None, points=None, video_folders: bool = False
) -> list[Task]:
    """Returns a task for each file or array, in order; see `UltraRefInferencer.__call__`.

    Raises:
        UserError: a path means nothing, or what is given doesn't belong to single images.
    """
    is_file = _is_path(inputs) and Path(inputs).expanduser().is_file()
    if (is_file or isinstance(inputs, (np.ndarray, Image.Image))) and not isinstance(coarse, CoarseMasks):
        inputs, coarse, boxes, points = [inputs], _one(coarse), _one(boxes), _one(points)
    if _is_path(coarse) and Path(coarse).expanduser().is_dir():
        coarse = CoarseMasks(coarse)
    by_name = coarse is None or isinstance(coarse, CoarseMasks)
    if by_name and boxes is None and points is None and (_is_path(inputs) or all(map(_is_path, inputs))):
        return [Task(file.name, file, coarse=coarse) for file in find_files(inputs, video_folders)]
    if _is_path(inputs):
        raise UserError(
            f"boxes, points and single coarse masks belong to single images, but {inputs} may mean several; give a list of images"
        )
    tasks = [_single(item, place) for place, item in enumerate(inputs)]
    for name, values in (("coarse", coarse), ("boxes", boxes), ("points", points)):
        if values is None:
            continue
        if not isinstance(values, (list, tuple)) or len(values) != len(tasks):
            raise UserError(
                f"{name} must be a list with one entry for each of the {len(tasks)} images, None where there is none"
            )
        tasks = [replace(task, **{name: value}) for task, value in zip(tasks, values)]
    return tasks


def _one(value):
    """What was given for one image, as what is given for a list of images; a folder of masks stays one."""
    return value if value is None or (_is_path(value) and Path(value).expanduser().is_dir()) else [value]


def _is_path(value) -> bool:
    return isinstance(value, (str, os.PathLike))


def _single(item: ImageInput, place: int) -> Task:
    if _is_path(item):
        files = find_files(item)
        if len(files) != 1:
            raise UserError(
                f"{item} means {len(files)} files; give each by itself where a list says what belongs to it"
            )
        return Task(files[0].name, files[0])
    name = f"image{place:04d}"
    if isinstance(item, Image.Image):
        item = ImageOps.exif_transpose(item)
        item = np.asarray(item if item.mode in ("1", "L", "I;16", "I") else item.convert("RGB"))
    if not isinstance(item, np.ndarray):
        raise UserError(f"{name} is a {type(item).__name__}; an image is a path, an array or a PIL image")
    # By the rules of .npy files.
    buffer = io.BytesIO()
    np.save(buffer, item, allow_pickle=False)
    return Task(name, array=decode_image(buffer.getvalue(), f"{name}.npy"))
