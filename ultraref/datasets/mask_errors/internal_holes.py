"""Internal holes: parts of the lesion's inside are taken for background."""

import cv2
import numpy as np

from ultraref.datasets.mask_errors.base import BaseMaskError
from ultraref.datasets.mask_errors.blobs import draw_blob
from ultraref.datasets.mask_errors.checks import check_range
from ultraref.datasets.mask_errors.fields import distance_inside
from ultraref.datasets.mask_errors.regions import area_of, count_range, window_around
from ultraref.registry import MASK_ERRORS

# A hole that finds no place is drawn again, with an upper bound on its area this much lower.
SHRINK = 0.7
HOLES_TRIED = 12


@MASK_ERRORS.register_module()
class InternalHoles(BaseMaskError):
    """The lesion with one to three elliptical holes of 2 to 20 % of its area each.

    A hole is surrounded by lesion: it touches neither the boundary nor the frame's edge nor another hole, not even by
    a corner. Where there is no room for as many as were drawn, there are fewer, at least one.
    Fallback 'unchanged': the lesion is too thin for a hole of the least area.

    Args:
        count: Range of the number of holes.
        fraction: Range of a hole's area as a fraction of the lesion's.
    """

    def __init__(self, count: tuple[int, int] = (1, 3), fraction: tuple[float, float] = (0.02, 0.2)):
        self.count = check_range("InternalHoles.count", count, lowest=1, integer=True)
        self.fraction = check_range("InternalHoles.fraction", fraction, lowest=0.0, highest=1.0)

    def apply(self, mask: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, dict]:
        area = area_of(mask)
        holed = mask.copy()
        lesion = holed[window_around(mask, 0)]
        fractions = []
        for _ in range(int(rng.integers(self.count[0], self.count[1] + 1))):
            removed = self._punch(lesion, area, rng)
            if removed == 0:
                break
            fractions.append(removed / area)
        params = {"count": len(fractions), "fractions": fractions}
        return holed, params if fractions else {**params, "fallback": "unchanged"}

    def _punch(self, lesion: np.ndarray, area: int, rng: np.random.Generator) -> int:
        """Punch one hole into ``lesion`` in place and return its area, 0 if it found no room."""
        low, high = count_range(area, self.fraction)
        low = max(low, 1)
        if low > high:
            return 0
        # With a border of zeros a lesion's pixels at the frame's edge are no place for an internal hole.
        depth = distance_inside(cv2.copyMakeBorder(lesion, 1, 1, 1, 1, cv2.BORDER_CONSTANT), exact=True)[1:-1, 1:-1]
        upper = high
        for _ in range(HOLES_TRIED):
            removed = min(max(round(rng.uniform(self.fraction[0] * area, upper)), low), upper)
            hole = draw_blob(removed, rng, lobed=False)
            rows, columns = np.nonzero(hole)
            centre = np.array([hole.shape[0] // 2, hole.shape[1] // 2])
            reach = np.hypot(rows - centre[0], columns - centre[1]).max()
            # A pixel deeper than sqrt(2) has lesion on all eight sides.
            places = np.flatnonzero(depth > reach + 1.5)
            if places.size:
                row, column = divmod(int(places[rng.integers(places.size)]), lesion.shape[1])
                lesion[rows - centre[0] + row, columns - centre[1] + column] = 0
                return removed
            upper = max(low, int(SHRINK * upper))
        return 0
