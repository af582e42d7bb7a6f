"""Morphological operations on a mask's surroundings alone."""

import cv2
import numpy as np

from ultraref.datasets.mask_errors.regions import area_of, window_around

OPERATIONS = {
    "dilate": cv2.MORPH_DILATE,
    "erode": cv2.MORPH_ERODE,
    "open": cv2.MORPH_OPEN,
    "close": cv2.MORPH_CLOSE,
}


def apply_morphology(mask: np.ndarray, operation: str, kernel: np.ndarray) -> np.ndarray:
    """Apply one operation; beyond the frame the mask goes on neutrally, so that its edge neither grows nor shrinks it.

    Args:
        mask: (H, W) uint8 in {0, 1}.
        operation: A key of ``OPERATIONS``.
        kernel: (k, k) uint8 structuring element, k odd.

    Returns:
        A new (H, W) uint8 mask.
    """
    result = mask.copy()
    if mask.any():
        window = window_around(mask, kernel.shape[0])
        result[window] = cv2.morphologyEx(mask[window], OPERATIONS[operation], kernel)
    return result


def relative_change(mask: np.ndarray, changed: np.ndarray) -> float:
    """Pixels that differ, as a fraction of the first mask's area; 0 if that is empty."""
    area = area_of(mask)
    return area_of(cv2.bitwise_xor(mask, changed)) / area if area else 0.0
