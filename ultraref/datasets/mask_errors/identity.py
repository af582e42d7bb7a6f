"""Identity: the prediction is right, or nearly so."""

import math

import cv2
import numpy as np

from ultraref.datasets.mask_errors.base import BaseMaskError
from ultraref.datasets.mask_errors.checks import check_probability, check_range
from ultraref.datasets.mask_errors.fields import distance_inside, distance_outside, smooth_noise
from ultraref.datasets.mask_errors.regions import area_of, window_around
from ultraref.registry import MASK_ERRORS

# A shift s along a boundary of length P changes Dice by about s P / (2 A); 0.1 keeps Dice at 0.95 or above.
SHIFT_PER_RADIUS = 0.1


@MASK_ERRORS.register_module()
class Identity(BaseMaskError):
    """The lesion unchanged, or with its boundary moved by at most 2 px, outwards here and inwards there.

    A pixel may change only if it lies within ``max_shift`` px of the other side. The shift is also kept below
    0.1 A / P (area A, boundary length P), so that the Dice of a small lesion, too, stays near 0.95 or above; where
    that is below one pixel the lesion stays unchanged, which is in the contract and no fallback.

    Args:
        max_shift: Greatest shift of the boundary in pixels.
        unchanged_prob: Probability of the exact ground truth.
    """

    def __init__(self, max_shift: float = 2.0, unchanged_prob: float = 0.3):
        self.max_shift = check_range("Identity.max_shift", (0.0, max_shift), lowest=0.0)[1]
        self.unchanged_prob = check_probability("Identity.unchanged_prob", unchanged_prob)

    def apply(self, mask: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, dict]:
        if rng.random() < self.unchanged_prob:
            return mask.copy(), {"max_shift": 0.0}
        window = window_around(mask, math.ceil(self.max_shift) + 1)
        lesion = mask[window]
        inside = distance_inside(lesion)
        perimeter = cv2.countNonZero(cv2.inRange(inside, 0.5, 1.0))
        limit = min(self.max_shift, SHIFT_PER_RADIUS * area_of(lesion) / max(perimeter, 1))
        if limit < 1.0:
            return mask.copy(), {"max_shift": 0.0}
        amplitude = rng.uniform(1.0, limit)
        # Bumps of a few boundary widths; a constant part lets the whole boundary lie too far out or in.
        shift = smooth_noise(lesion.shape, max(10.0 * amplitude, 0.25 * max(lesion.shape)), rng)
        shift = np.clip(shift * amplitude + rng.uniform(-amplitude, amplitude), -amplitude, amplitude)
        nearly = mask.copy()
        # The nearest pixel across the boundary is 1 px away: a shift of s moves those within s.
        nearly[window] = np.where(lesion, inside > -shift, distance_outside(lesion) <= shift)
        return nearly, {"max_shift": float(amplitude)}
