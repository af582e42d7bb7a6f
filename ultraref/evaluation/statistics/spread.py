"""Means over sets, folds and seeds, which say what they are means of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ultraref.errors import UserError


@dataclass(frozen=True)
class Spread:
    """A mean over runs. It describes how runs differ, and is not the result of a test.

    Attributes:
        mean, std: of the runs; the standard deviation has n - 1 in its denominator and is None for a single run.
        count: number of runs.
        over: what the runs differ in: "folds", "seeds".
    """

    mean: float
    std: float | None
    count: int
    over: str

    def __str__(self) -> str:
        if self.std is None:
            return f"{self.mean:.4f} (one of the {self.over})"
        return f"{self.mean:.4f}, standard deviation {self.std:.4f} over {self.count} {self.over}"


def spread_over(values: Sequence[float], over: str) -> Spread:
    """Mean and standard deviation of one number over runs.

    The runs of a cross-validation share most of their training images, so that this standard deviation is no standard error and
    makes no interval (Bengio and Grandvalet 2004).

    Args:
        values: the metric of each run.
        over: what the runs differ in, in the plural.

    Raises:
        UserError: there is no run, or a value is not finite.
    """
    numbers = np.asarray(values, dtype=np.float64)
    if numbers.size == 0 or not np.isfinite(numbers).all():
        raise UserError(f"a mean over {over} needs finite values of at least one run; got {list(values)}")
    std = float(numbers.std(ddof=1)) if numbers.size > 1 else None
    return Spread(float(numbers.mean()), std, numbers.size, over)


def macro_mean(values: Sequence[float], datasets: Sequence[str]) -> tuple[float, Mapping[str, float]]:
    """Mean over sets of the means over each set's images: every set weighs the same, however many images it has.

    Args:
        values: one value an image.
        datasets: the set of each image.

    Returns:
        The mean over sets, and the mean of each set by name.

    Raises:
        UserError: there is no value.
    """
    if len(values) == 0 or len(values) != len(datasets):
        raise UserError(f"a mean over sets needs a set for each value; got {len(values)} values, {len(datasets)} sets")
    numbers, names = np.asarray(values, dtype=np.float64), np.asarray(datasets)
    own = {name: float(numbers[names == name].mean()) for name in sorted(set(datasets))}
    return float(np.mean(list(own.values()))), own
