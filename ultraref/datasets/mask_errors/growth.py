"""Growing a lesion to a given area."""

import math

import numpy as np

from ultraref.datasets.mask_errors.fields import displacement, distance_outside, lowest
from ultraref.datasets.mask_errors.regions import area_of

# The most of the frame that a grown lesion may fill: a mask without background has no boundary.
FRAME_LIMIT = 0.95


def grow_by_ratio(mask: np.ndarray, ratio: tuple[float, float], rng: np.random.Generator) -> tuple[np.ndarray, dict]:
    """Grow a lesion by a random ratio, further in one direction than in the others, with a bumpy boundary.

    Args:
        mask: (H, W) uint8 in {0, 1} with a lesion and background.
        ratio: Range of (new area) / (old area); its upper end is lowered to what 95 % of the frame allow.
        rng: Source of randomness.

    Returns:
        The grown (H, W) uint8 mask, which holds the old one, and its parameters. ``fallback`` is 'frame_limit' where
        the frame has no room for ``ratio[0]``: then the lesion fills 95 % of it, or stays as it is if it did already.
    """
    area = area_of(mask)
    limit = int(FRAME_LIMIT * mask.size)
    low, high = math.ceil(ratio[0] * area - 1e-9), min(math.floor(ratio[1] * area + 1e-9), limit)
    params = {}
    if low <= high:
        target = min(max(round(rng.uniform(low / area, high / area) * area), low), high)
    else:
        target = max(area, limit)
        params["fallback"] = "frame_limit"
    field, drawn = displacement(mask.shape, math.sqrt(target / math.pi), rng)
    np.subtract(distance_outside(mask), field, out=field)
    field[mask.view(bool)] = -np.inf
    return lowest(field, target), {"ratio": target / area, **drawn, **params}
