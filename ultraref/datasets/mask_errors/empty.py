"""Empty prediction: the lesion is missed, but for a fragment at most."""

import math

import numpy as np

from ultraref.datasets.mask_errors.base import BaseMaskError
from ultraref.datasets.mask_errors.checks import check_probability, check_range
from ultraref.datasets.mask_errors.fields import lowest, smooth_noise
from ultraref.datasets.mask_errors.regions import area_of, draw_count, draw_pixel, window_around
from ultraref.registry import MASK_ERRORS


@MASK_ERRORS.register_module()
class Empty(BaseMaskError):
    """Nothing at all, or a fragment of 1 to 5 % of the lesion's area, inside the lesion.

    Where no whole number of pixels lies in the range (a lesion of less than twenty), the mask is empty, which is in
    the contract and no fallback.

    Args:
        fraction: Range of the fragment's area as a fraction of the lesion's, drawn uniformly.
        fragment_prob: Probability of a fragment.
    """

    def __init__(self, fraction: tuple[float, float] = (0.01, 0.05), fragment_prob: float = 0.5):
        self.fraction = check_range("Empty.fraction", fraction, lowest=0.0, highest=1.0)
        self.fragment_prob = check_probability("Empty.fragment_prob", fragment_prob)

    def apply(self, mask: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, dict]:
        result = np.zeros_like(mask)
        area = area_of(mask)
        kept = draw_count(area, self.fraction, rng) if rng.random() < self.fragment_prob else None
        if not kept:
            return result, {"fraction": 0.0}
        window = window_around(mask, 0)
        lesion = mask[window]
        row, column = draw_pixel(lesion, rng)
        x = np.arange(lesion.shape[1], dtype=np.float32) - column
        y = np.arange(lesion.shape[0], dtype=np.float32) - row
        field = np.hypot(x[None, :], y[:, None])
        radius = math.sqrt(kept / math.pi)
        field += smooth_noise(lesion.shape, max(radius, 4.0), rng) * np.float32(0.3 * radius)
        field[lesion == 0] = np.inf
        result[window] = lowest(field, kept)
        return result, {"fraction": kept / area}
