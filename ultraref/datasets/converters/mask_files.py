"""Mask files of images that may have several frames, named by a template."""

import os
from collections.abc import Mapping
from pathlib import Path
from string import Formatter

import numpy as np

from ultraref.datasets.readers.label_map import grey_label_map
from ultraref.datasets.readers.mask_rule import to_mask
from ultraref.datasets.readers.open_source import open_source
from ultraref.errors import UserError

# What names a frame: from 0 up, and from 1 up.
FRAME_PARTS = ("frame", "number")


class MaskTemplate:
    """Names the mask file of each image, or of each of its frames.

    Args:
        text: path below the source folder with named parts in braces, such as "{folder}/{name}_mask.png" or
            "masks/{name}_{frame:04d}.png". With {frame} (from 0 up) or {number} (from 1 up) each frame has a file of its own, and a
            frame without one has no mask; without them the file has a page or frame for each frame of the image.
        parts: names of the other parts that `find` is given.
        frames: whether a frame may have a file of its own.

    Raises:
        UserError: the template has an unknown part, or none.
    """

    def __init__(self, text: str, parts: tuple[str, ...], frames: bool = True):
        self.text = text
        known = (*parts, *FRAME_PARTS) if frames else parts
        try:
            named = [name for _, name, _, _ in Formatter().parse(text) if name is not None]
        except ValueError as error:
            raise UserError(f"--masks {text!r} is no template: {error}") from error
        strange = [name for name in named if name not in known]
        if strange or not named:
            what = f"has the unknown part {{{strange[0]}}}" if strange else "names no part"
            raise UserError(f"--masks {text!r} {what}; the parts are {', '.join(f'{{{name}}}' for name in known)}")
        self.by_frame = any(name in FRAME_PARTS for name in named)

    def find(self, src: Path, num_frames: int, parts: Mapping[str, str]) -> dict[int, tuple[Path, int]]:
        """Returns by frame of the image the mask file and its frame, those that there are.

        Raises:
            UserError: a mask file has another number of frames than the image, or a value doesn't fit its format.
        """
        if not self.by_frame:
            path = self.path(src, parts, 0)
            if not path.is_file():
                return {}
            with open_source(path) as source:
                if source.num_frames != num_frames:
                    raise UserError(f"{path}: has {source.num_frames} frames, but its image has {num_frames}")
            return {frame: (path, frame) for frame in range(num_frames)}
        paths = {frame: self.path(src, parts, frame) for frame in range(num_frames)}
        return {frame: (path, 0) for frame, path in paths.items() if path.is_file()}

    def path(self, src: Path, parts: Mapping[str, str], frame: int = 0) -> Path:
        """Returns the path of a frame's mask file, whether it is there or not.

        Raises:
            UserError: a value doesn't fit its format.
        """
        try:
            relative = self.text.format_map({**parts, "frame": frame, "number": frame + 1})
        except ValueError as error:
            raise UserError(f"--masks {self.text!r} can't be filled in: {error}") from error
        return Path(os.path.normpath(src / relative))


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
