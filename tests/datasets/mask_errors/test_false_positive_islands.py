import numpy as np
import pytest
from scipy.ndimage import binary_dilation, label

from ultraref.datasets.mask_errors import FalsePositiveIslands

SQUARE = np.ones((3, 3))


@pytest.mark.parametrize(("severe_prob", "least", "most"), [(0.0, 1, 5), (1.0, 5, 30)])
def test_islands_lie_apart_from_the_lesion_and_from_each_other(lesion, draw, severe_prob, least, most):
    for result, params in draw(FalsePositiveIslands(severe_prob=severe_prob), lesion):
        assert "fallback" not in params
        assert params["severe"] is bool(severe_prob)
        assert not ((lesion == 1) & (result == 0)).any()
        islands = result - lesion
        assert not (islands & binary_dilation(lesion, SQUARE)).any()
        pieces, number = label(islands, SQUARE)
        assert number == params["count"]
        assert least <= number <= most
        areas = np.bincount(pieces.ravel())[1:] / lesion.sum()
        assert areas.min() >= 0.002
        assert areas.max() <= 0.1


def test_no_room_is_recorded(draw):
    mask = np.ones((30, 30), np.uint8)
    mask[14, 14] = 0
    for result, params in draw(FalsePositiveIslands(), mask, 2):
        assert params["fallback"] == "fewer"
        assert params["count"] == 0
        np.testing.assert_array_equal(result, mask)
