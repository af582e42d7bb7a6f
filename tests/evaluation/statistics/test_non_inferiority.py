"""Non-inferiority with a margin."""

import numpy as np
import pytest

from ultraref.evaluation.statistics import bootstrap_mean_ci, non_inferiority


def test_the_bound_is_the_lower_end_of_the_interval():
    values = np.random.default_rng(0).normal(-0.005, 0.02, 100)
    low, high = bootstrap_mean_ci(values)
    found = non_inferiority(values, margin=0.02)
    assert found.bound == low
    assert found.holds
    assert not non_inferiority(values, margin=-low - 1e-9).holds
    assert non_inferiority(values, margin=1.0, lower_is_better=True).bound == -high


@pytest.mark.parametrize("margin", [-0.1, float("nan")])
def test_a_margin_is_no_gain(margin):
    with pytest.raises(ValueError, match="must be 0 or above"):
        non_inferiority([0.1], margin)


def test_a_model_that_is_worse_by_the_margin_rarely_passes():
    """At the margin itself the chance is 2.5 %, somewhat more with 60 images."""
    rng = np.random.default_rng(3)
    passed = [non_inferiority(rng.normal(-0.02, 0.05, 60), 0.02).holds for _ in range(60)]
    assert np.mean(passed) < 0.1
