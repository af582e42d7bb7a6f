"""How soft the outlines of a network's masks are, as the temperature of `soften`."""

import math

import numpy as np

from ultraref.datasets.mask_errors.fields import distance_inside, distance_outside

# Where a probability counts as undecided: an uncertainty gate with a cap of 0.5 can change the mask just there.
UNDECIDED = (1 - math.sqrt(0.5), math.sqrt(0.5))
# sigmoid(d / T) lies there for |d| below this many T.
HALF_WIDTH = math.log(UNDECIDED[1] / UNDECIDED[0])


def undecided_share(prob: np.ndarray) -> float:
    """Returns the area of {0.29 < p < 0.71} over that of {p > 0.5}; NaN where the latter is 0.

    Args:
        prob: (H, W) in [0, 1].
    """
    lesion = np.count_nonzero(prob > 0.5)
    undecided = np.count_nonzero((prob > UNDECIDED[0]) & (prob < UNDECIDED[1]))
    return undecided / lesion if lesion else math.nan


def fit_temperature(prob: np.ndarray) -> float:
    """Returns the temperature at which `soften` of {p > 0.5} has as large an undecided area as p itself.

    Softened, a pixel at the signed distance d from the outline is undecided when |d| < 0.88 T. So, with n undecided pixels in p,
    T is the n-th smallest |d| / 0.88. Distances are taken to the outline, half a pixel from the centres next to it.

    Args:
        prob: (H, W) in [0, 1], in the coarse network's frame.

    Returns:
        In pixels of that frame; NaN for a mask without lesion or without background.
    """
    mask = (prob > 0.5).astype(np.uint8)
    if not mask.any() or mask.all():
        return math.nan
    distance = distance_outside(mask) + distance_inside(mask) - 0.5
    undecided = np.count_nonzero((prob > UNDECIDED[0]) & (prob < UNDECIDED[1]))
    if undecided == 0:
        return 0.0
    return float(np.partition(distance, undecided - 1, axis=None)[undecided - 1]) / HALF_WIDTH
