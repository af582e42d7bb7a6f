"""Perceptual hashes, their distances and the groups that pairs make."""

import cv2
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ultraref.datasets.converters.duplicates import (
    connected_groups,
    hash_distances,
    near_duplicate_pairs,
    perceptual_hash,
)
from ultraref.testing.phantom import make_phantom


def test_distances_count_differing_bits():
    hashes = np.random.default_rng(0).random((40, 256)) < 0.5
    expected = (hashes[:, None] != hashes[None]).sum(2)
    np.testing.assert_array_equal(hash_distances(hashes), expected)
    pairs = near_duplicate_pairs(hashes, 120)
    assert pairs == [(i, j) for i in range(40) for j in range(i + 1, 40) if expected[i, j] <= 120]


def test_the_same_picture_is_near_and_another_far():
    first, second = (make_phantom(np.random.default_rng(seed), "benign").image for seed in (1, 2))
    again = cv2.resize(first, None, fx=0.8, fy=0.8, interpolation=cv2.INTER_AREA)
    again = np.clip(again * 1.1 + 5, 0, 255).astype(np.uint8)
    assert perceptual_hash(first).shape == (256,)
    distances = hash_distances(np.stack([perceptual_hash(image) for image in (first, again, second)]))
    assert distances[0, 1] <= 10
    # Bits of unrelated pictures agree by chance: 128 +- 8 of 256.
    assert distances[0, 2] > 60


def test_groups_are_transitive():
    assert connected_groups(6, [(4, 5), (1, 3), (3, 5)]) == [0, 1, 2, 1, 1, 1]


@given(st.lists(st.tuples(st.integers(0, 14), st.integers(0, 14)), max_size=25), st.randoms())
def test_groups_do_not_depend_on_the_order_of_pairs_and_equal_reachability(pairs, random):
    groups = connected_groups(15, pairs)
    shuffled = [tuple(random.sample(pair, 2)) for pair in random.sample(pairs, len(pairs))]
    assert connected_groups(15, shuffled) == groups
    reach = np.eye(15, dtype=bool)
    for first, second in pairs:
        reach[first, second] = reach[second, first] = True
    for _ in range(4):  # paths of up to 16 steps
        reach = reach @ reach
    assert groups == [int(np.flatnonzero(row)[0]) for row in reach]
