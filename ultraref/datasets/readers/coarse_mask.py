"""Coarse masks and probabilities that any tool made."""

from pathlib import Path

import numpy as np

from ultraref.datasets.readers.decoding import MAX_PIXELS
from ultraref.datasets.readers.grey import drop_alpha
from ultraref.datasets.readers.mask_rule import to_mask
from ultraref.datasets.readers.nnunet_npz import is_npz, read_foreground
from ultraref.datasets.readers.open_source import open_source
from ultraref.errors import UserError

KINDS = ("auto", "mask", "probability")


def read_coarse(path: str | Path, shape: tuple[int, int], kind: str = "auto") -> np.ndarray:
    """Reads a coarse mask, or a probability, that any tool made for an image.

    Any format of `open_source`, and nnU-Net's .npz. What the values mean:
    - "mask": by the rule of `mask_rule.to_mask`.
    - "probability": floats in [0, 1]; 8 or 16-bit grey over 255 or 65535.
    - "auto": floats in [0, 1] are a probability; everything else is a mask if the rule of masks decides, which takes
      bool, two values, and anti-aliased grey. A grey picture of many values that it refuses may be a probability, which the error
      says how to ask for.

    The file's own EXIF orientation is applied. One without it that was drawn on the stored pixels of a turned image has another shape
    unless the turn is of 180 degrees.

    Args:
        path: the file.
        shape: (height, width) of the upright image.
        kind: "auto", "mask" or "probability".

    Returns:
        (H, W) float32 in [0, 1]; in {0, 1} for a mask.

    Raises:
        UserError: the file can't be read, has another size, several frames, NaN, values outside [0, 1], or a meaning that
            can't be told.
    """
    if kind not in KINDS:
        raise UserError(f"kind of a coarse mask is {kind!r}; it may be {', '.join(map(repr, KINDS))}")
    array = read_foreground(path, MAX_PIXELS) if is_npz(path) else _read_single(path)
    if array.shape[:2] != tuple(shape):
        raise UserError(
            f"{path}: the coarse mask is {array.shape[0]} x {array.shape[1]} (height x width), but its image is {shape[0]} x "
            f"{shape[1]} as it is shown (with its EXIF orientation, if it has one)"
        )
    is_float = array.dtype.kind == "f"
    if kind == "probability" or (kind == "auto" and is_float and not _is_two_valued(array)):
        return _to_probability(array, path)
    try:
        return to_mask(array, path).astype(np.float32)
    except UserError as error:
        if kind == "mask":
            raise
        raise UserError(f'{error}; or, if it is a probability, give kind="probability"') from error


def _read_single(path: str | Path) -> np.ndarray:
    with open_source(path) as source:
        if source.num_frames > 1:
            raise UserError(f"{path}: has {source.num_frames} pages or frames; a coarse mask is a file of one")
        return source.values()


def _is_two_valued(array: np.ndarray) -> bool:
    """Whether there is 0 and one other value over 1: {0, 1} means the same as mask and as probability."""
    high = array.max()
    return bool(high > 1 and ((array == 0) | (array == high)).all())


def _to_probability(array: np.ndarray, path: str | Path) -> np.ndarray:
    if array.ndim == 3:
        array = drop_alpha(array, path)
        if array.ndim == 3:
            if not (array == array[:, :, :1]).all():
                raise UserError(f"{path}: is in colour, which is no probability; save it as grey")
            array = array[:, :, 0]
    if array.dtype in (np.uint8, np.uint16):
        return (array / np.float32(np.iinfo(array.dtype).max)).astype(np.float32)
    low, high = float(array.min()), float(array.max())
    if array.dtype.kind not in "fb" or not (low >= 0 and high <= 1):  # also true for NaN
        raise UserError(
            f"{path}: a probability is floats in [0, 1], or 8 or 16-bit unsigned integers, but this is {array.dtype} from {low:g} to "
            f"{high:g}"
        )
    return array.astype(np.float32)
