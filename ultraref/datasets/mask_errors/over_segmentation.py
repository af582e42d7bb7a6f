"""Over-segmentation: the prediction bleeds into the background."""

import numpy as np

from ultraref.datasets.mask_errors.base import BaseMaskError
from ultraref.datasets.mask_errors.checks import check_range
from ultraref.datasets.mask_errors.growth import grow_by_ratio
from ultraref.registry import MASK_ERRORS


@MASK_ERRORS.register_module()
class OverSegmentation(BaseMaskError):
    """The lesion grown to 1.2 to 3 times its area, holding all of it.

    Growth is a level set of the distance to the lesion, tilted in a random direction and with smooth bumps, so that
    it is seldom uniform. Fallback 'frame_limit': the frame is too full for the least ratio.

    Args:
        ratio: Range of the area ratio, drawn uniformly, at most 95 % of the frame.
    """

    def __init__(self, ratio: tuple[float, float] = (1.2, 3.0)):
        self.ratio = check_range("OverSegmentation.ratio", ratio, lowest=1.0)

    def apply(self, mask: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, dict]:
        return grow_by_ratio(mask, self.ratio, rng)
