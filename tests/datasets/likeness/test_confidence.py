"""A score counts in spreads of what unrelated pairs of the same set reach."""

import numpy as np
import pytest

from ultraref.datasets.likeness.confidence import Unrelated, is_confident
from ultraref.datasets.likeness.view import Comparison


def normal_pairs(middle, spread, count=2000):
    values = np.random.default_rng(0).normal(size=(count, 2))
    return [Comparison(middle + spread * c, middle + spread * d) for c, d in values]


def test_a_score_is_the_sum_of_both_over_the_root_of_two():
    unrelated = Unrelated((0.2, 0.1), (0.1, 0.05))
    # 3 and 4 spreads above the middle.
    assert unrelated.score(Comparison(0.5, 0.3)) == pytest.approx(7 / 2**0.5)


def test_measured_where_there_are_enough():
    found = Unrelated.measure(normal_pairs(0.4, 0.1))
    assert found.correlation == pytest.approx((0.4, 0.1), abs=0.01)
    assert found.detail == pytest.approx((0.4, 0.1), abs=0.01)
    assert Unrelated.measure(normal_pairs(0.4, 0.1)[:29]) == Unrelated(count=29)
    assert Unrelated.measure([Comparison(-1, -1)] * 100) == Unrelated()


def test_less_than_usual_is_not_assumed():
    found = Unrelated.measure(normal_pairs(0.0, 0.001))
    assert (found.correlation, found.detail) == (Unrelated().correlation, Unrelated().detail)


def test_a_few_copies_among_the_unrelated_change_little():
    copies = [Comparison(0.95, 0.9)] * 100
    found = Unrelated.measure(normal_pairs(0.4, 0.1) + copies)
    assert found.correlation == pytest.approx((0.4, 0.1), abs=0.03)


def test_alike_layers_without_common_detail_are_not_enough():
    # As of BUS-BRA's unrelated pairs that correlate by 0.45 to 0.5.
    unrelated = Unrelated()
    assert not is_confident(unrelated.score(Comparison(0.5, 0.08)), "")
    assert is_confident(unrelated.score(Comparison(0.5, 0.25)), "")
    assert not is_confident(unrelated.score(Comparison(0.5, 0.25)), "left-right")
    assert is_confident(unrelated.score(Comparison(0.9, 0.6)), "left-right")
