import numpy as np
import pytest

from ultraref.datasets.mask_errors import Empty


def test_nothing_or_1_to_5_percent_of_the_lesion_are_left(lesion, draw):
    empty = []
    for result, params in draw(Empty(), lesion, 30):
        assert "fallback" not in params
        assert not ((lesion == 0) & (result == 1)).any()
        fraction = result.sum() / lesion.sum()
        assert fraction == pytest.approx(params["fraction"], abs=1e-12)
        assert fraction == 0 or 0.01 <= fraction <= 0.05
        empty.append(fraction == 0)
    assert 0 < np.mean(empty) < 1


def test_probabilities_zero_and_one(round_lesion, draw):
    assert not any(result.any() for result, _ in draw(Empty(fragment_prob=0.0), round_lesion, 5))
    assert all(result.any() for result, _ in draw(Empty(fragment_prob=1.0), round_lesion, 5))


def test_a_lesion_of_a_few_pixels_leaves_nothing(draw):
    mask = np.zeros((9, 9), np.uint8)
    mask[4, 2:7] = 1
    assert not any(result.any() for result, _ in draw(Empty(fragment_prob=1.0), mask, 3))
