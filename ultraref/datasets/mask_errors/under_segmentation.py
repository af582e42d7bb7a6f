"""Under-segmentation: parts along the boundary are missing."""

import math

import numpy as np

from ultraref.datasets.mask_errors.base import BaseMaskError
from ultraref.datasets.mask_errors.checks import check_range
from ultraref.datasets.mask_errors.fields import displacement, distance_inside, lowest
from ultraref.datasets.mask_errors.regions import area_of, draw_count, window_around
from ultraref.registry import MASK_ERRORS


@MASK_ERRORS.register_module()
class UnderSegmentation(BaseMaskError):
    """The lesion eroded to 0.4 to 0.9 of its area, lying inside it.

    Erosion is a level set of the distance to the background, tilted in a random direction and with smooth bumps.
    Fallback 'unchanged': no whole number of pixels lies in the range (a lesion of one pixel).

    Args:
        ratio: Range of the area ratio, drawn uniformly.
    """

    def __init__(self, ratio: tuple[float, float] = (0.4, 0.9)):
        self.ratio = check_range("UnderSegmentation.ratio", ratio, lowest=0.0, highest=1.0)

    def apply(self, mask: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, dict]:
        area = area_of(mask)
        target = draw_count(area, self.ratio, rng)
        if target is None:
            return mask.copy(), {"ratio": 1.0, "fallback": "unchanged"}
        window = window_around(mask, 1)
        lesion = mask[window]
        field, drawn = displacement(lesion.shape, math.sqrt(area / math.pi), rng)
        field -= distance_inside(lesion)
        field[lesion == 0] = np.inf
        eroded = np.zeros_like(mask)
        eroded[window] = lowest(field, target)
        return eroded, {"ratio": target / area, **drawn}
