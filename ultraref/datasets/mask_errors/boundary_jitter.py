"""Boundary jitter: a secondary perturbation by one morphological operation."""

import cv2
import numpy as np

from ultraref.datasets.mask_errors.base import BaseMaskError
from ultraref.datasets.mask_errors.checks import check_range
from ultraref.datasets.mask_errors.regions import window_around
from ultraref.registry import MASK_ERRORS

OPERATIONS = {
    "dilate": cv2.MORPH_DILATE,
    "erode": cv2.MORPH_ERODE,
    "open": cv2.MORPH_OPEN,
    "close": cv2.MORPH_CLOSE,
}


@MASK_ERRORS.register_module()
class BoundaryJitter(BaseMaskError):
    """The mask dilated, eroded, opened or closed with a disc of random size.

    No pixel further than the disc's diameter from a boundary changes. An empty mask stays empty.

    Args:
        kernel: Range of the disc's diameter in pixels; odd numbers in it are drawn.
    """

    needs_lesion = False

    def __init__(self, kernel: tuple[int, int] = (3, 11)):
        low, high = check_range("BoundaryJitter.kernel", kernel, lowest=3, integer=True)
        self.kernels = [size for size in range(int(low), int(high) + 1) if size % 2]
        if not self.kernels:
            raise ValueError(f"BoundaryJitter.kernel must hold an odd number, found {kernel!r}")

    def apply(self, mask: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, dict]:
        operation = list(OPERATIONS)[rng.integers(len(OPERATIONS))]
        size = self.kernels[rng.integers(len(self.kernels))]
        window = window_around(mask, size)
        disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
        result = mask.copy()
        if mask.any():
            result[window] = cv2.morphologyEx(mask[window], OPERATIONS[operation], disc)
        return result, {"operation": operation, "kernel": size}
