"""Mask files of images that may have several frames: which frame of which file is the mask, and what it holds."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ultraref.datasets.converters.mask_path_format import MaskPathFormat
from ultraref.datasets.readers.label_map import grey_label_map
from ultraref.datasets.readers.mask_rule import to_mask
from ultraref.datasets.readers.open_source import open_source
from ultraref.errors import UserError


def find_mask_frames(
    mask_format: MaskPathFormat, src: Path, parts: Mapping[str, str], num_frames: int
) -> dict[int, tuple[Path, int]]:
    """Returns by frame of the image the mask file and its frame, those that there are.

    Where each frame has a file of its own, a frame without one has no mask; otherwise the file has a page or frame for each frame of
    the image.

    Args:
        mask_format: of the paths of mask files.
        src: the source folder.
        parts: of the image.
        num_frames: of the image.

    Raises:
        UserError: a mask file has another number of frames than the image, or a value doesn't fit its format.
    """
    if mask_format.by_frame:
        paths = {frame: mask_format.path(src, parts, frame) for frame in range(num_frames)}
        return {frame: (path, 0) for frame, path in paths.items() if path.is_file()}
    path = mask_format.path(src, parts)
    if not path.is_file():
        return {}
    with open_source(path) as source:
        if source.num_frames != num_frames:
            raise UserError(f"{path}: has {source.num_frames} frames, but its image has {num_frames}")
    return {frame: (path, frame) for frame in range(num_frames)}


def read_mask_frame(path: Path, index: int, labels: list[str] | None = None) -> np.ndarray:
    """Returns a frame of a mask file, (H, W) uint8 in {0, 1}.

    Args:
        path: the file.
        index: its frame.
        labels: the classes that are lesion; None goes by the rule of masks, `mask_rule.to_mask`, which refuses label maps.

    Raises:
        UserError: it can't be read, or isn't decided.
    """
    with open_source(path) as source:
        values = source.values(index)
    return to_mask(values, path) if labels is None else grey_label_map(values, path).is_label(labels)


def labels_of_frame(path: Path, index: int) -> list[str]:
    """Returns the classes in a frame of a mask file, see `LabelMap.labels`."""
    with open_source(path) as source:
        return grey_label_map(source.values(index), path).labels
