"""False-positive islands: the lesion is found, and so are structures that are none."""

import cv2
import numpy as np

from ultraref.datasets.mask_errors.base import BaseMaskError
from ultraref.datasets.mask_errors.blobs import scatter_blobs
from ultraref.datasets.mask_errors.checks import check_probability, check_range
from ultraref.datasets.mask_errors.regions import area_of, count_range
from ultraref.registry import MASK_ERRORS


@MASK_ERRORS.register_module()
class FalsePositiveIslands(BaseMaskError):
    """The whole lesion plus one to five blobs, or five to thirty, of 0.2 to 10 % of its area each.

    No island touches the lesion or another island, not even by a corner.
    Fallback 'fewer': no room was found for as many islands as the range asks for at least; with none at all the lesion
    is unchanged.

    Args:
        count: Range of the number of islands in the normal case.
        severe_count: Range of the number of islands in the severe case.
        severe_prob: Probability of the severe case.
        fraction: Range of an island's area as a fraction of the lesion's, drawn log-uniformly.
    """

    def __init__(
        self,
        count: tuple[int, int] = (1, 5),
        severe_count: tuple[int, int] = (5, 30),
        severe_prob: float = 0.2,
        fraction: tuple[float, float] = (0.002, 0.1),
    ):
        self.count = check_range("FalsePositiveIslands.count", count, lowest=1, integer=True)
        self.severe_count = check_range("FalsePositiveIslands.severe_count", severe_count, lowest=1, integer=True)
        self.severe_prob = check_probability("FalsePositiveIslands.severe_prob", severe_prob)
        self.fraction = check_range("FalsePositiveIslands.fraction", fraction, lowest=0.0)

    def apply(self, mask: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, dict]:
        severe = rng.random() < self.severe_prob
        least, most = self.severe_count if severe else self.count
        area = area_of(mask)
        low, high = count_range(area, self.fraction)
        areas = (max(low, 1), high)
        islands, placed = np.zeros_like(mask), []
        if areas[0] <= areas[1]:
            islands, placed = scatter_blobs(mask, int(rng.integers(least, most + 1)), areas, rng)
        params = {"severe": severe, "count": len(placed), "fractions": [placed_area / area for placed_area in placed]}
        if len(placed) < least:
            params["fallback"] = "fewer"
        return cv2.bitwise_or(mask, islands), params
