"""Views are compared in layers and in detail."""

import numpy as np
import pytest

from ultraref.datasets.likeness.view import FLIPS, View, compare, mirror, thumbnail


def test_a_copy_agrees_in_both_and_another_in_neither(pictures, alter):
    first, other = View.of(pictures[0]), View.of(pictures[1])
    same = compare(first, View.of(alter(pictures[0])))
    assert same.correlation > 0.85
    assert same.detail > 0.4
    unlike = compare(first, other)
    assert unlike.correlation < 0.7
    assert unlike.detail < 0.2


@pytest.mark.parametrize("flip", FLIPS)
def test_mirroring_is_undone(pictures, flip):
    mirrored = View.of(mirror(pictures[2], flip))
    assert compare(View.of(pictures[2]), mirrored, flip).correlation == pytest.approx(1, abs=1e-3)
    own = View.of(pictures[2])
    # Hash number k of an image is that of the image mirrored in way k.
    assert (own.hashes[list(FLIPS).index(flip)] != mirrored.hashes[0]).sum() <= 4


def test_what_is_not_valid_does_not_count(pictures):
    rng = np.random.default_rng(0)
    picture, valid = thumbnail(pictures[3]), np.ones((128, 128), bool)
    valid[:40] = False
    spoilt = picture.copy()
    spoilt[:40] = rng.integers(0, 256, (40, 128))
    own = View(np.zeros((4, 256), bool), picture, valid)
    assert compare(own, View(own.hashes, spoilt, valid)).correlation == pytest.approx(1, abs=1e-3)
    assert compare(View(own.hashes, picture), View(own.hashes, spoilt)).correlation < 0.9


def test_nothing_in_common_is_minus_one():
    flat = View.of(np.full((50, 60), 90, np.uint8))
    assert compare(flat, flat).correlation == -1
    assert compare(flat, flat).detail == -1
