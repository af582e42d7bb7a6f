"""Masks whose values are classes, as segmentation programs write them."""

from collections.abc import Collection
from pathlib import Path

import numpy as np

from ultraref.errors import UserError

# More values than these are a picture or a probability.
_MOST = 64


def labels_in(values: np.ndarray, path: str | Path) -> list[str]:
    """Returns the classes of a label map, its values over 0, as text in ascending order; none of an empty one.

    Args:
        values: (H, W) bool or integers.
        path: for messages.

    Raises:
        UserError: it is in colour, has negative or broken values, or more than 64 different ones.
    """
    values = _checked(values, path)
    found = np.unique(values)
    if len(found) > _MOST + 1:
        raise UserError(
            f"{path}: has {len(found)} different values, {found[0]} to {found[-1]}, which are no labels; save it with 0 for background "
            "and a whole number for each class"
        )
    return [str(value) for value in found if value]


def mask_of_labels(values: np.ndarray, labels: Collection[str], path: str | Path) -> np.ndarray:
    """Returns the union of some classes of a label map, (H, W) uint8 in {0, 1}; see `labels_in`."""
    return np.isin(_checked(values, path), [int(label) for label in labels]).astype(np.uint8)


def _checked(values: np.ndarray, path: str | Path) -> np.ndarray:
    if values.ndim != 2:
        raise UserError(
            f"{path}: is in colour (shape {values.shape}); a label map is grey, a whole number for each class"
        )
    if values.dtype == bool or (values.dtype.kind == "f" and np.isin(values, (0, 1)).all()):
        return values.astype(np.uint8)
    if values.dtype.kind not in "iu":
        raise UserError(
            f"{path}: has broken values, {values.min():g} to {values.max():g}; a label map holds whole numbers, 0 for background"
        )
    if values.min() < 0:
        raise UserError(f"{path}: has negative values, down to {values.min()}; a label map holds 0 for background")
    return values
