"""Whether a model is no worse than another by more than a margin."""

from collections.abc import Sequence
from dataclasses import dataclass

from ultraref.errors import UserError
from ultraref.evaluation.statistics.bootstrap import bootstrap_mean_ci


@dataclass(frozen=True)
class NonInferiority:
    """The outcome.

    Attributes:
        margin: the loss that still counts as none, in the metric's own unit.
        bound: the lowest mean gain that the interval allows; a gain is a rise, or a fall of a metric of which less is better.
        level: coverage of the one-sided bound.
        holds: whether the bound is above -margin.
    """

    margin: float
    bound: float
    level: float
    holds: bool


def non_inferiority(
    differences: Sequence[float],
    margin: float,
    groups: Sequence[str] | None = None,
    lower_is_better: bool = False,
    seed: int = 0,
) -> NonInferiority:
    """Compares the lower end of the two-sided 95 % bootstrap interval of the mean gain with -margin.

    That end is a one-sided bound of 97.5 %, the level that ICH E9 (1998, section 3.3.2) and Piaggio et al. (2012, CONSORT for
    non-inferiority trials) ask for. The margin is to be named before the results are known.

    Args:
        differences: second model minus first, one value an image.
        margin: at least 0.
        groups: see `bootstrap_mean_ci`.
        lower_is_better: whether a fall is a gain.
        seed: of the bootstrap.

    Raises:
        UserError: the margin is below 0, or the differences are no finite numbers.
    """
    if not margin >= 0:
        raise UserError(f"the margin of a non-inferiority test is {margin}; it must be 0 or above")
    low, high = bootstrap_mean_ci(differences, seed=seed, groups=groups)
    bound = -high if lower_is_better else low
    return NonInferiority(margin=margin, bound=bound, level=0.975, holds=bound > -margin)
