"""Boundary jitter: a secondary perturbation by one morphological operation."""

import cv2
import numpy as np

from ultraref.datasets.mask_errors.base import BaseMaskError
from ultraref.datasets.mask_errors.checks import check_range
from ultraref.datasets.mask_errors.morphology import OPERATIONS, apply_morphology, relative_change
from ultraref.errors import UserError
from ultraref.registry import MASK_ERRORS


@MASK_ERRORS.register_module()
class BoundaryJitter(BaseMaskError):
    """The mask dilated, eroded, opened or closed with a disc of random size.

    A disc of 11 px would erase a lesion of 14 px, thin strips and small islands, and with them the primary error that
    it comes after. So the disc shrinks until the change is small against the mask; where even the smallest changes too
    much, the mask stays as it is (kernel 0).

    Args:
        kernel: Range of the disc's diameter in pixels; odd numbers in it are drawn.
        max_change: Greatest number of changed pixels as a fraction of the mask's area.
    """

    needs_lesion = False

    def __init__(self, kernel: tuple[int, int] = (3, 11), max_change: float = 0.25):
        low, high = check_range("BoundaryJitter.kernel", kernel, lowest=3, integer=True)
        self.kernels = [size for size in range(int(low), int(high) + 1) if size % 2]
        if not self.kernels:
            raise UserError(f"BoundaryJitter.kernel must hold an odd number, found {kernel!r}")
        self.max_change = check_range("BoundaryJitter.max_change", (0.0, max_change), lowest=0.0)[1]

    def apply(self, mask: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, dict]:
        operation = list(OPERATIONS)[rng.integers(len(OPERATIONS))]
        drawn = int(rng.integers(len(self.kernels)))
        for size in reversed(self.kernels[: drawn + 1]):
            disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
            jittered = apply_morphology(mask, operation, disc)
            if relative_change(mask, jittered) <= self.max_change:
                return jittered, {"operation": operation, "kernel": size}
        return mask.copy(), {"operation": operation, "kernel": 0}
