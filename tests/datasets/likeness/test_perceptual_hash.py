"""Perceptual hashes, their distances and the groups that pairs make."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ultraref.datasets.likeness import perceptual_hash as module
from ultraref.datasets.likeness.perceptual_hash import (
    FLIPS,
    connected_groups,
    distance_counts,
    hash_distances,
    near_pairs,
    perceptual_hash,
    perceptual_hashes,
)
from ultraref.testing.phantom import make_phantom


def test_distances_count_differing_bits():
    hashes = np.random.default_rng(0).random((40, 256)) < 0.5
    expected = (hashes[:, None] != hashes[None]).sum(2)
    np.testing.assert_array_equal(hash_distances(hashes), expected)


@pytest.mark.parametrize("block", [7, 1024])
def test_pairs_and_counts_do_not_depend_on_the_size_of_blocks(monkeypatch, block):
    monkeypatch.setattr(module, "_BLOCK", block)
    hashes, others = np.random.default_rng(0).random((2, 40, 256)) < 0.5
    expected = (hashes[:, None] != others[None]).sum(2)
    above = [(i, j) for i in range(40) for j in range(i + 1, 40)]
    pairs = near_pairs(hashes, others, 120)
    assert sorted(pairs) == [(i, j, expected[i, j]) for i, j in above if expected[i, j] <= 120]
    counts = distance_counts(hashes, others)
    assert counts.sum() == 780
    assert counts[:121].sum() == len(pairs)


def test_the_hashes_of_mirror_images_come_from_one_shrinking():
    image = make_phantom(np.random.default_rng(3), "benign").image
    hashes = perceptual_hashes(image)
    np.testing.assert_array_equal(hashes[0], perceptual_hash(image))
    for own, axes in zip(hashes, FLIPS.values()):
        # Shrinking rounds to whole grey levels, which may tip a bit or two.
        assert (own != perceptual_hash(np.ascontiguousarray(np.flip(image, axes)))).sum() <= 4


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
