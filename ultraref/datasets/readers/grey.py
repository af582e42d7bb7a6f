"""From values as files store them to 8-bit grey."""

from pathlib import Path

import cv2
import numpy as np

from ultraref.errors import UserError

# Depths that cameras and scanners use. A file's values fill the smallest that holds their maximum.
DEPTHS = (8, 10, 12, 14, 16)


def to_grey(array: np.ndarray, path: str | Path, bits: int | None = None) -> np.ndarray:
    """Returns an image as 8-bit grey.

    Colour becomes ITU-R 601 luma; transparency is dropped, as what lies under it is the image in the published sets.
    Integers of more than 8 bits are scaled so that the largest value of their depth becomes 255. Floats lie in [0, 1].

    Args:
        array: (H, W) or (H, W, C), C = 1, 3 (RGB) or 4 (RGBA); bool, integers or floats.
        path: for messages.
        bits: depth of types of more than 8 bits, 8 to 16; None takes the smallest of 8, 10, 12, 14 and 16 that holds the
            array's own maximum, which may differ from file to file of one set.

    Returns:
        (H, W) uint8.

    Raises:
        UserError: the values are no image: NaN, negative, over 16 bits or the given depth, another number of channels.
    """
    if array.dtype == bool:
        array = array.astype(np.uint8) * np.uint8(255)
    if array.ndim == 3:
        array = drop_alpha(array, path)
    if array.dtype != np.uint8:
        array = _to_8_bit(array, path, bits)
    return array if array.ndim == 2 else cv2.cvtColor(np.ascontiguousarray(array), cv2.COLOR_RGB2GRAY)


def drop_alpha(array: np.ndarray, path: str | Path) -> np.ndarray:
    """Returns (H, W) of (H, W, 1), and (H, W, 3) of (H, W, 3) or (H, W, 4).

    Raises:
        UserError: another number of channels.
    """
    channels = array.shape[2]
    if channels == 1:
        return array[:, :, 0]
    if channels not in (3, 4):
        raise UserError(f"{path}: an image has 1, 3 or 4 channels, but this one has {channels} (shape {array.shape})")
    return array[:, :, :3]


def depth_of(array: np.ndarray, path: str | Path) -> int:
    """Returns the smallest of the usual depths, 8 to 16 bits, that holds the values of an integer array.

    Raises:
        UserError: a value is negative or over 65535.
    """
    low, high = int(array.min()), int(array.max())
    bits = next((bits for bits in DEPTHS if high < 2**bits), None)
    if low < 0 or bits is None:
        raise UserError(f"{path}: an image has 0 to 65535, but this one has {low} to {high}")
    return bits


def _to_8_bit(array: np.ndarray, path: str | Path, bits: int | None) -> np.ndarray:
    if array.dtype.kind == "f":
        low, high = float(array.min()), float(array.max())
        if not (low >= 0 and high <= 1):  # also false for NaN
            raise UserError(f"{path}: an image of floats lies in [0, 1], but this one has {low:g} to {high:g}")
        return np.rint(array * 255).astype(np.uint8)
    found = depth_of(array, path)
    if bits is None:
        bits = found
    elif array.max() >= 2**bits:
        raise UserError(f"{path}: a depth of {bits} bits was given, but the image has values up to {array.max()}")
    return np.rint(array.astype(np.float32) * (255 / (2**bits - 1))).astype(np.uint8)
