"""Spearman's rank correlation, where there is one."""

from collections.abc import Sequence

import numpy as np
from scipy import stats

# Below, a correlation says nothing.
LEAST = 3


def rank_correlation(said: Sequence[float], real: Sequence[float]) -> float | None:
    """Returns Spearman's correlation of two sequences of N numbers; None where N is below 3 or all numbers of one are the same."""
    if len(said) < LEAST or np.ptp(said) == 0 or np.ptp(real) == 0:
        return None
    return float(stats.spearmanr(said, real).statistic)
