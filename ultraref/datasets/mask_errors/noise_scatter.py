"""Noise scatter: the lesion is missed, and there is noise instead."""

import numpy as np

from ultraref.datasets.mask_errors.base import BaseMaskError
from ultraref.datasets.mask_errors.blobs import scatter_blobs
from ultraref.datasets.mask_errors.checks import check_range
from ultraref.registry import MASK_ERRORS


@MASK_ERRORS.register_module()
class NoiseScatter(BaseMaskError):
    """Ten to fifty tiny blobs in the background and nothing of the lesion.

    No blob touches the lesion's place or another blob, not even by a corner.
    Fallback 'fewer': no room was found for the least number of blobs.

    Args:
        count: Range of the number of blobs.
        area: Range of a blob's area in pixels, drawn log-uniformly.
    """

    def __init__(self, count: tuple[int, int] = (10, 50), area: tuple[int, int] = (3, 40)):
        self.count = check_range("NoiseScatter.count", count, lowest=1, integer=True)
        self.area = check_range("NoiseScatter.area", area, lowest=1, integer=True)

    def apply(self, mask: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, dict]:
        noise, placed = scatter_blobs(mask, int(rng.integers(self.count[0], self.count[1] + 1)), self.area, rng)
        params = {"count": len(placed), "areas": placed}
        if len(placed) < self.count[0]:
            params["fallback"] = "fewer"
        return noise, params
