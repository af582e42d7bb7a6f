"""Threshold fluctuation: a secondary perturbation by the slightest growth or shrinkage."""

import cv2
import numpy as np

from ultraref.datasets.mask_errors.base import BaseMaskError
from ultraref.datasets.mask_errors.regions import window_around
from ultraref.registry import MASK_ERRORS


@MASK_ERRORS.register_module()
class ThresholdFluctuation(BaseMaskError):
    """The mask dilated or eroded once with a 3x3 square, as if thresholded a little lower or higher.

    No pixel further than one from the boundary changes. An empty mask stays empty.
    """

    needs_lesion = False

    def apply(self, mask: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, dict]:
        operation = "dilate" if rng.random() < 0.5 else "erode"
        window = window_around(mask, 1)
        result = mask.copy()
        if mask.any():
            change = cv2.dilate if operation == "dilate" else cv2.erode
            result[window] = change(mask[window], np.ones((3, 3), np.uint8))
        return result, {"operation": operation}
