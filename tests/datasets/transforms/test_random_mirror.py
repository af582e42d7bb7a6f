"""Mirroring, exactly and in two ways only."""

import numpy as np
import pytest

from ultraref.datasets.transforms import RandomMirror, may_change_image


def sample(seed=0):
    rng = np.random.default_rng(3)
    return {
        "img": rng.integers(0, 255, (7, 10), dtype=np.uint8),
        "gt_seg_map": rng.integers(0, 2, (7, 10), dtype=np.uint8),
        "coarse_prob": rng.random((4, 4), dtype=np.float32),
        "rng": np.random.default_rng(seed),
    }


def test_all_three_are_mirrored_exactly():
    before, after = sample(), RandomMirror(prob=1.0)(sample())
    for key in ("img", "gt_seg_map", "coarse_prob"):
        np.testing.assert_array_equal(after[key], before[key][:, ::-1])
        assert after[key].flags.c_contiguous


def test_share_of_mirrored_samples():
    mirrored = [
        not np.array_equal(RandomMirror(prob=0.25)(sample(seed))["img"], sample()["img"]) for seed in range(400)
    ]
    # Four standard deviations.
    assert np.mean(mirrored) == pytest.approx(0.25, abs=4 * np.sqrt(0.25 * 0.75 / 400))


def test_a_cache_may_keep_its_outcomes():
    assert RandomMirror.moves_pixels
    assert not may_change_image(RandomMirror)


def test_bad_probability_is_named():
    with pytest.raises(ValueError, match="RandomMirror: prob"):
        RandomMirror(prob=2)
