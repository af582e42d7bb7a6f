"""Threshold fluctuation: a secondary perturbation by the slightest growth or shrinkage."""

import numpy as np

from ultraref.datasets.mask_errors.base import BaseMaskError
from ultraref.datasets.mask_errors.checks import check_range
from ultraref.datasets.mask_errors.morphology import apply_morphology, relative_change
from ultraref.registry import MASK_ERRORS


@MASK_ERRORS.register_module()
class ThresholdFluctuation(BaseMaskError):
    """The mask dilated or eroded once with a 3x3 square, as if thresholded a little lower or higher.

    Where that changes too much of it (islands of a few pixels), the mask stays as it is (kernel 0).

    Args:
        max_change: Greatest number of changed pixels as a fraction of the mask's area.
    """

    needs_lesion = False

    def __init__(self, max_change: float = 0.25):
        self.max_change = check_range("ThresholdFluctuation.max_change", (0.0, max_change), lowest=0.0)[1]

    def apply(self, mask: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, dict]:
        operation = "dilate" if rng.random() < 0.5 else "erode"
        changed = apply_morphology(mask, operation, np.ones((3, 3), np.uint8))
        if relative_change(mask, changed) > self.max_change:
            return mask.copy(), {"operation": operation, "kernel": 0}
        return changed, {"operation": operation, "kernel": 3}
