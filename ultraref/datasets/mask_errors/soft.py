"""From a binary mask to a probability map as a network might give it."""

import math

import numpy as np

from ultraref.datasets.mask_errors.fields import distance_inside, distance_outside
from ultraref.datasets.mask_errors.regions import window_around

# Farther out than this many temperatures the probability, below sigmoid(-10) = 4.5e-5, is set to 0, which lets the
# work end there.
TAIL = 10.0


def soften(mask: np.ndarray, temperature: float) -> np.ndarray:
    """sigmoid(signed distance / temperature), as in 3.1.4 of the UltraRefiner description.

    The signed distance is positive inside; its least magnitude is 1 px, on either side of the boundary, so that a
    threshold at 0.5 gives the mask back. A mask without lesion gives 0 everywhere, one without background 1.

    Args:
        mask: (H, W) uint8 in {0, 1}.
        temperature: In pixels, above 0: the distance over which the probability goes from 0.5 to 0.73.

    Returns:
        (H, W) float32 in [0, 1].
    """
    prob = np.zeros(mask.shape, np.float32)
    if not mask.any():
        return prob
    if mask.all():
        return prob + 1
    window = window_around(mask, math.ceil(TAIL * temperature))
    lesion = mask[window]
    field = distance_outside(lesion)
    box = window_around(lesion, 1)
    field[box] -= distance_inside(lesion[box])
    # 1 / (1 + exp(d / T)), in place.
    field *= np.float32(1.0 / temperature)
    np.minimum(field, np.float32(80.0), out=field)  # exp(80) is finite in float32
    np.exp(field, out=field)
    field += 1
    np.reciprocal(field, out=prob[window])
    return prob
