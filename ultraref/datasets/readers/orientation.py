"""Turns arrays as EXIF's Orientation tag says (EXIF 2.32, 4.6.4, tag 274)."""

import numpy as np

ORIENTATION_TAG = 274
_TURNS = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: a[::-1].swapaxes(0, 1),  # a quarter turn to the right
    7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
    8: lambda a: a.swapaxes(0, 1)[::-1],  # a quarter turn to the left
}
# All but the quarter turns are their own inverse.
_INVERSE = {6: 8, 8: 6}


def turn_upright(array: np.ndarray, orientation: int) -> np.ndarray:
    """Returns the stored array, (H, W) or (H, W, C), as it is to be shown.

    Args:
        array: rows and columns as the file stores them.
        orientation: 1 to 8.
    """
    return np.ascontiguousarray(_TURNS[orientation](array))


def turn_back(array: np.ndarray, orientation: int) -> np.ndarray:
    """Returns the upright array, (H, W) or (H, W, C), in the order of the file: the inverse of `turn_upright`."""
    return turn_upright(array, _INVERSE.get(orientation, orientation))
