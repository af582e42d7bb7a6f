"""The bootstrap interval against scipy's and against the normal approximation."""

import numpy as np
import pytest
from scipy import stats

from ultraref.evaluation import bootstrap_mean_ci


def test_against_scipy():
    values = np.random.default_rng(0).exponential(size=60)
    low, high = bootstrap_mean_ci(values)
    expected = stats.bootstrap((values,), np.mean, n_resamples=10_000, method="percentile", rng=1).confidence_interval
    assert (low, high) == pytest.approx((expected.low, expected.high), abs=0.02)


def test_normal_approximation_of_many_values():
    values = np.random.default_rng(0).normal(0.3, 1.0, size=2_000)
    half = 1.96 * values.std() / np.sqrt(len(values))
    assert bootstrap_mean_ci(values) == pytest.approx((values.mean() - half, values.mean() + half), abs=0.004)


def test_same_seed_same_interval_and_constant_values():
    values = [0.1, 0.4, 0.2]
    assert bootstrap_mean_ci(values, seed=3) == bootstrap_mean_ci(values, seed=3)
    assert bootstrap_mean_ci([0.5] * 4) == (0.5, 0.5)


@pytest.mark.parametrize("values", [[], [0.1, float("nan")]])
def test_bad_values_are_refused(values):
    with pytest.raises(ValueError, match="finite values"):
        bootstrap_mean_ci(values)
