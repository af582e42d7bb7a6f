"""The probabilities that nnU-Net saves beside its masks: NAME.npz with (classes, 1, height, width)."""

import math
import zipfile
from pathlib import Path

import numpy as np

from ultraref.datasets.readers.decoding import check_size, decoding
from ultraref.datasets.readers.npy import read_header
from ultraref.errors import UserError

# nnU-Net 2's name, and nnU-Net 1's.
KEYS = ("probabilities", "softmax")
_MAX_CLASSES = 64
# What float16 and the resampling of probabilities leave of a sum of 1.
_SUM_TOLERANCE = 0.02


def is_npz(path: str | Path) -> bool:
    """Whether a file is a ZIP archive, as .npz is."""
    try:
        with open(path, "rb") as file:
            return file.read(4) == b"PK\x03\x04"
    except OSError:
        return False


def read_foreground(path: str | Path, max_pixels: int) -> np.ndarray:
    """Returns the probability of all classes but the background.

    That is 1 minus the first class where there are several, whose probabilities sum to 1; and the class itself where there is one.

    Args:
        path: the .npz file with (C, 1, H, W) or (C, H, W) floats under "probabilities" or "softmax".
        max_pixels: limit on H x W, checked by the header.

    Returns:
        (H, W) float32.

    Raises:
        UserError: another kind of file, or classes that don't sum to 1, as from nnU-Net's training on regions.
    """
    with decoding(path, "nnU-Net's .npz"), zipfile.ZipFile(path) as archive:
        names = [name.removesuffix(".npy") for name in archive.namelist()]
        key = next((key for key in KEYS if key in names), None)
        if key is None:
            raise UserError(
                f"{path}: holds {', '.join(names) or 'nothing'}, but nnU-Net's .npz holds {' or '.join(KEYS)}"
            )
        with archive.open(f"{key}.npy") as member:
            shape, fortran, dtype = read_header(member, path)
            _check_shape(path, shape, dtype, max_pixels)
            size = math.prod(shape) * dtype.itemsize
            data = member.read(size)
        if len(data) < size:
            raise UserError(f"{path}: is cut off: {shape} {dtype} takes {size} bytes, but {len(data)} are there")
        array = np.frombuffer(data, dtype).reshape(shape, order="F" if fortran else "C")
    array = array.reshape(shape[0], *shape[-2:]).astype(np.float32)
    if len(array) == 1:
        return array[0]
    total = array.sum(axis=0)
    if not (np.abs(total - 1) <= _SUM_TOLERANCE).all():  # also for NaN
        raise UserError(
            f"{path}: the {len(array)} classes don't sum to 1 ({total.min():g} to {total.max():g}), as they do where the first one is "
            "the background; save the probability of the lesion alone as .npy"
        )
    return np.clip(1 - array[0], 0, 1)


def _check_shape(path: str | Path, shape: tuple[int, ...], dtype: np.dtype, max_pixels: int) -> None:
    flat = len(shape) == 3 or (len(shape) == 4 and shape[1] == 1)
    if not flat or dtype.kind != "f" or not 1 <= shape[0] <= _MAX_CLASSES:
        raise UserError(
            f"{path}: the probabilities of a picture are floats (classes, 1, height, width), but these are {dtype} {shape}"
        )
    check_size(path, *shape[-2:], max_pixels)
