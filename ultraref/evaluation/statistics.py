"""Statistics over images."""

from collections.abc import Sequence

import numpy as np

from ultraref.errors import UserError


def bootstrap_mean_ci(
    values: Sequence[float], level: float = 0.95, num_resamples: int = 10_000, seed: int = 0
) -> tuple[float, float]:
    """Percentile bootstrap interval of a mean over images (Efron and Tibshirani 1993, section 13.3).

    Args:
        values: one value an image, for example refined Dice minus coarse Dice.
        level: coverage.
        num_resamples: number of resamples with replacement.
        seed: of the generator that draws them.

    Returns:
        Lower and upper bound.

    Raises:
        ValueError: there are no values, or one is not finite.
    """
    values = np.asarray(values, dtype=np.float64)
    if values.size == 0 or not np.isfinite(values).all():
        raise UserError(f"bootstrap needs finite values of at least one image; got {values.size} values: {values[:5]}")
    rng = np.random.default_rng(seed)
    means = np.empty(num_resamples)
    # In slices, so that a thousand images don't take a matrix of 10,000 x 1,000 at once.
    for start in range(0, num_resamples, 500):
        stop = min(start + 500, num_resamples)
        means[start:stop] = values[rng.integers(0, values.size, (stop - start, values.size))].mean(axis=1)
    tail = (1 - level) / 2
    low, high = np.quantile(means, [tail, 1 - tail])
    return float(low), float(high)
