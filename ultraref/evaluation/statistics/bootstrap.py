"""Bootstrap intervals of means over images, in which what belongs together is drawn together."""

from collections.abc import Sequence

import numpy as np
from scipy import stats

from ultraref.errors import UserError
from ultraref.evaluation.statistics.cluster import group_codes


def bootstrap_mean_ci(
    values: Sequence[float],
    level: float = 0.95,
    num_resamples: int = 10_000,
    seed: int = 0,
    groups: Sequence[str] | None = None,
) -> tuple[float, float]:
    """Percentile bootstrap interval of a mean over images (Efron and Tibshirani 1993, section 13.3), expanded for few groups.

    Args:
        values: one value an image, for example refined Dice minus coarse Dice.
        level: coverage.
        num_resamples: number of resamples with replacement.
        seed: of the generator that draws them.
        groups: label of each image's patient or group of near-duplicates, which are drawn whole; None draws images.

    Returns:
        Lower and upper bound.

    Raises:
        ValueError: there are no values, one is not finite, or `groups` has another length.
    """
    means = bootstrap_means(np.asarray(values, dtype=np.float64)[:, None], num_resamples, seed, groups)
    return percentile_interval(means[:, 0], len(values) if groups is None else len(set(groups)), level)


def bootstrap_means(
    values: np.ndarray, num_resamples: int = 10_000, seed: int = 0, groups: Sequence[str] | None = None
) -> np.ndarray:
    """Means over images of several columns in the same resamples.

    Whole groups are drawn with replacement, as many as there are, and all images of those drawn are averaged (the cluster
    bootstrap: Davison and Hinkley 1997, section 3.8, strategy 1): images of one patient resemble each other, and drawn one by one
    they would make an interval too narrow. With a group for each image it is the plain bootstrap.

    Args:
        values: (n, k) finite.
        num_resamples: number of resamples.
        seed: of the generator.
        groups: n labels; None for n groups.

    Returns:
        (num_resamples, k).

    Raises:
        ValueError: as `bootstrap_mean_ci`.
    """
    values = np.asarray(values, dtype=np.float64)
    if values.size == 0 or not np.isfinite(values).all():
        raise UserError(
            f"bootstrap needs finite values of at least one image; got {len(values)} values: {values[:5].tolist()}"
        )
    groups = range(len(values)) if groups is None else groups
    if len(groups) != len(values):
        raise UserError(
            f"bootstrap: there are {len(values)} values and {len(groups)} groups; each value needs its group"
        )
    codes, count = group_codes(groups)
    sums = np.zeros((count, values.shape[1]))
    np.add.at(sums, codes, values)
    sizes = np.bincount(codes, minlength=count)
    rng = np.random.default_rng(seed)
    means = np.empty((num_resamples, values.shape[1]))
    # In slices, so that a thousand images don't take a matrix of 10,000 x 1,000 at once.
    for start in range(0, num_resamples, 500):
        stop = min(start + 500, num_resamples)
        drawn = rng.integers(0, count, (stop - start, count))
        means[start:stop] = sums[drawn].sum(axis=1) / sizes[drawn].sum(axis=1)[:, None]
    return means


def percentile_interval(means: np.ndarray, count: int, level: float = 0.95) -> tuple[float, float]:
    """Percentiles of resampled means, so far out that the interval is right for few groups as well.

    Plain percentiles at (1 - level) / 2 make it too narrow, as if the spread were divided by n instead of n - 1, and its quantile were
    the normal one instead of Student's. Hesterberg (2015) takes the percentiles at
    Phi(-sqrt(n / (n - 1)) t) instead, t being Student's quantile of n - 1 degrees of freedom; with many groups they are the same.

    Args:
        means: (m,) of the resamples.
        count: n, number of groups that were drawn from.
        level: coverage.

    Returns:
        Lower and upper bound.
    """
    tail = 0.0
    if count > 1:
        tail = stats.norm.cdf(np.sqrt(count / (count - 1)) * stats.t.ppf((1 - level) / 2, count - 1))
    low, high = np.quantile(means, [tail, 1 - tail])
    return float(low), float(high)
