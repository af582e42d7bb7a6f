import numpy as np
import pytest
from scipy.ndimage import label

from ultraref.datasets.mask_errors import OverSegmentation


def test_area_grows_to_between_1_2_and_3_times(lesion, shape, draw):
    ratios = []
    for result, params in draw(OverSegmentation(), lesion):
        assert "fallback" not in params
        assert not ((lesion == 1) & (result == 0)).any()
        ratios.append(result.sum() / lesion.sum())
        assert ratios[-1] == pytest.approx(params["ratio"], rel=1e-12)
        assert 1.2 <= ratios[-1] <= 3.0
        assert result.mean() <= 0.95
    assert max(ratios) - min(ratios) > 0.15


def test_nothing_grows_that_is_not_connected_to_the_lesion(lesion, draw):
    everywhere = np.ones((3, 3))
    for result, _ in draw(OverSegmentation(), lesion):
        pieces, number = label(result, everywhere)
        assert set(range(1, number + 1)) == set(np.unique(pieces[lesion == 1]))


def test_growth_is_not_the_same_all_around(round_lesion, draw):
    def shift_of_centroid(mask):
        return np.hypot(*(np.argwhere(mask).mean(axis=0) - np.argwhere(round_lesion).mean(axis=0)))

    # A disc that grows uniformly keeps its centroid.
    assert np.mean([shift_of_centroid(result) > 2 for result, _ in draw(OverSegmentation(), round_lesion, 30)]) > 0.5


@pytest.mark.parametrize("rest", [1, 40])
def test_a_frame_without_room_is_recorded(rest, draw):
    mask = np.ones((20, 20), np.uint8)
    mask.ravel()[:rest] = 0
    for result, params in draw(OverSegmentation(), mask, 3):
        assert params["fallback"] == "frame_limit"
        assert result.sum() == max(mask.sum(), 380)  # 95 % of 400


def test_ties_of_the_distance_do_not_overshoot_a_tiny_lesion(draw):
    mask = np.zeros((21, 21), np.uint8)
    mask[10, 10] = 1  # one step of growth would make it five pixels
    for result, params in draw(OverSegmentation(), mask, 5):
        assert "fallback" not in params
        assert result.sum() in (2, 3)
