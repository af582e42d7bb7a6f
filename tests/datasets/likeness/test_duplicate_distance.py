"""The distance of duplicates follows from the distances of a set."""

import numpy as np
import pytest
from scipy.stats import norm

from ultraref.datasets.likeness.duplicate_distance import choose_distance


def counts(middle, spread, pairs, duplicates=0):
    """A normal distribution of whole distances, and duplicates at 0 to 20 bits."""
    found = np.round(pairs * np.diff(norm.cdf(np.arange(258) - 0.5, middle, spread))).astype(int)
    found[:21] += duplicates // 21
    return found


def test_the_default_stays_below_the_foot():
    # 0.1 / 200,000 is 4.9 spreads below the middle: 125 - 4.9 x 8.9 = 81.
    choice = choose_distance(counts(125, 8.9, 200_000, 200), counts(125, 8.9, 200_000))
    assert (choice.distance, choice.foot) == (76, 81)
    assert (choice.middle, choice.spread) == pytest.approx((125, 8.9), abs=0.2)
    assert "default" in choice.why


def test_the_foot_takes_its_place_where_images_are_more_alike():
    # 105 - 4.9 x 10 = 56.
    choice = choose_distance(counts(105, 10, 200_000, 400), counts(105, 10, 200_000))
    assert abs(choice.distance - 56) <= 1
    assert choice.distance == choice.foot
    assert "foot" in choice.why


def test_many_duplicates_do_not_pull_the_foot_down_far():
    # A tenth of all pairs, as of ten cine loops.
    choice = choose_distance(counts(125, 8.9, 180_000, 20_000), counts(125, 8.9, 200_000))
    assert choice.distance >= 55


def test_a_longer_tail_of_the_mirrored_lowers_the_foot():
    tail = counts(125, 8.9, 200_000) + counts(95, 8.9, 10_000)
    assert choose_distance(counts(125, 8.9, 200_000), tail).foot < 70


def test_nothing_below_what_recompression_changes():
    assert choose_distance(counts(40, 15, 45_000), counts(40, 15, 45_000)).distance == 10


def test_few_images_and_given_distances():
    few = choose_distance(counts(125, 9, 150), counts(125, 9, 150))
    assert (few.distance, few.middle, few.foot) == (76, None, None)
    assert "too few" in few.why
    given = choose_distance(counts(125, 8.9, 200_000), counts(125, 8.9, 200_000), 20)
    assert (given.distance, given.why, given.foot) == (20, "as given", 81)


def test_the_histogram_holds_every_pair():
    own = counts(125, 8.9, 1000, 21)
    choice = choose_distance(own, own)
    assert sum(pairs for _, pairs in choice.histogram) == choice.pairs == own.sum()
    assert choice.to_plain()["histogram"][0] == [0, 1]
