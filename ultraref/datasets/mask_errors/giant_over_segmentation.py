"""Giant over-segmentation: the background takes over."""

import numpy as np

from ultraref.datasets.mask_errors.base import BaseMaskError
from ultraref.datasets.mask_errors.checks import check_range
from ultraref.datasets.mask_errors.growth import grow_by_ratio
from ultraref.registry import MASK_ERRORS


@MASK_ERRORS.register_module()
class GiantOverSegmentation(BaseMaskError):
    """The lesion grown to 3 to 20 times its area, or to 95 % of the frame if that comes first.

    Fallback 'frame_limit': the lesion fills more than 95 % / 3 of the frame, so that even three times its area has no
    room; it then grows to 95 % of the frame.

    Args:
        ratio: Range of the area ratio, drawn uniformly from what the frame allows of it.
    """

    def __init__(self, ratio: tuple[float, float] = (3.0, 20.0)):
        self.ratio = check_range("GiantOverSegmentation.ratio", ratio, lowest=1.0)

    def apply(self, mask: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, dict]:
        return grow_by_ratio(mask, self.ratio, rng)
