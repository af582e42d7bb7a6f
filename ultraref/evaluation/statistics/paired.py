"""A paired test of two models on the same cases, its effect size, and the correction for several of them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from ultraref.errors import MissingLibraryError, UserError
from ultraref.evaluation.statistics.cluster import group_means


@dataclass(frozen=True)
class PairedTest:
    """A Wilcoxon signed-rank test.

    Attributes:
        p: two-sided p value.
        effect: matched-pairs rank-biserial correlation, in [-1, 1]; above 0 where the second model's values are higher.
        count: number of differences that were tested.
        unchanged: how many of them are 0.
    """

    p: float
    effect: float
    count: int
    unchanged: int


def paired_wilcoxon(differences: Sequence[float], groups: Sequence[str] | None = None) -> PairedTest:
    """Wilcoxon's signed-rank test of paired differences (Wilcoxon 1945), differences of 0 left out as he does.

    Where images belong together, their differences are averaged first and a group is one observation, as the test takes its
    observations for independent. The effect is the rank-biserial correlation r = (W+ - W-) / (W+ + W-) of the sums of ranks of
    the positive and the negative differences (Kerby 2014); it is 0 where all differences are.

    Args:
        differences: second model minus first, one value an image.
        groups: label of each image's patient or group of near-duplicates; None for images that stand alone.

    Raises:
        UserError: there is no difference, or one is not finite.
    """
    values = group_means(np.asarray(differences, dtype=np.float64), groups)
    if values.size == 0 or not np.isfinite(values).all():
        raise UserError(f"Wilcoxon's test needs finite differences of at least one case; got {values[:5].tolist()}")
    # Equal to rounding: a tie or no change in truth, which the sum of a group may have moved by 1e-17.
    values = np.round(values, 12)
    changed = values[values != 0]
    if changed.size == 0:
        return PairedTest(p=1.0, effect=0.0, count=values.size, unchanged=values.size)
    p = float(stats.wilcoxon(changed, alternative="two-sided").pvalue)
    ranks = stats.rankdata(np.abs(changed))
    effect = float((ranks * np.sign(changed)).sum() / ranks.sum())
    return PairedTest(p=p, effect=effect, count=values.size, unchanged=values.size - changed.size)


def holm(p_values: Sequence[float]) -> list[float]:
    """Returns p values adjusted for being several (Holm 1979), in the same order; of one alone the same.

    Raises:
        MissingLibraryError: statsmodels isn't installed.
    """
    try:
        from statsmodels.stats.multitest import multipletests
    except ImportError as error:
        raise MissingLibraryError(
            "Holm's correction needs statsmodels: pip install 'ultraref[statistics]' (or pip install statsmodels)"
        ) from error
    return [float(p) for p in multipletests(list(p_values), method="holm")[1]]
