"""Means over sets and runs."""

import pytest

from ultraref.evaluation.statistics import macro_mean, spread_over


def test_every_set_weighs_the_same():
    mean, own = macro_mean([1.0, 1.0, 1.0, 0.0], ["busi", "busi", "busi", "bus"])
    assert (mean, own) == (0.5, {"bus": 0.0, "busi": 1.0})
    with pytest.raises(ValueError, match="a set for each value"):
        macro_mean([1.0], [])


def test_a_mean_over_folds_says_so():
    spread = spread_over([0.8, 0.7, 0.9], "folds")
    assert (spread.mean, spread.std, spread.count) == pytest.approx((0.8, 0.1, 3))
    assert str(spread) == "0.8000, standard deviation 0.1000 over 3 folds"
    assert str(spread_over([0.8], "folds")) == "0.8000 (one of the folds)"
    with pytest.raises(ValueError, match="mean over seeds"):
        spread_over([float("nan")], "seeds")
