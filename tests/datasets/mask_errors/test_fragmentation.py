import numpy as np
import pytest
from scipy.ndimage import label

from ultraref.datasets.mask_errors import Fragmentation

SQUARE = np.ones((3, 3))


def test_every_strip_adds_a_piece(lesion, draw):
    before = label(lesion, SQUARE)[1]
    for result, params in draw(Fragmentation(), lesion):
        assert "fallback" not in params
        assert not ((lesion == 0) & (result == 1)).any()
        assert 1 <= params["count"] <= 5
        assert len(params["widths"]) == params["count"]
        assert all(2 <= width <= 8 for width in params["widths"])
        assert label(result, SQUARE)[1] >= before + params["count"]
        assert result.sum() >= 0.3 * lesion.sum()


def test_a_strip_is_straight_and_as_wide_as_drawn(lesion, draw):
    for result, params in draw(Fragmentation(count=(1, 1)), lesion):
        angle = np.radians(params["angles"][0])
        across = np.argwhere(lesion - result) @ np.array([np.sin(angle), np.cos(angle)])
        assert np.ptp(across) <= params["widths"][0] + 1e-4
        # Nothing of the lesion is left between the strip's outermost pixels.
        left = np.argwhere(result) @ np.array([np.sin(angle), np.cos(angle)])
        assert not ((left > across.min() + 1e-4) & (left < across.max() - 1e-4)).any()


def test_a_lesion_too_small_to_cut_is_unchanged(draw):
    mask = np.zeros((9, 9), np.uint8)
    mask[4:6, 4:6] = 1
    for result, params in draw(Fragmentation(), mask, 3):
        assert params["fallback"] == "unchanged"
        np.testing.assert_array_equal(result, mask)


def test_strips_too_narrow_to_separate_are_refused():
    with pytest.raises(ValueError, match="width"):
        Fragmentation(width=(1.0, 3.0))
