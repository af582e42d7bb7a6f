import numpy as np
from scipy.ndimage import binary_dilation, label

from ultraref.datasets.mask_errors import NoiseScatter

SQUARE = np.ones((3, 3))


def test_10_to_50_tiny_blobs_off_the_lesion(lesion, draw):
    for result, params in draw(NoiseScatter(), lesion):
        assert "fallback" not in params
        assert not (result & binary_dilation(lesion, SQUARE)).any()
        pieces, number = label(result, SQUARE)
        assert number == params["count"]
        assert 10 <= number <= 50
        areas = np.bincount(pieces.ravel())[1:]
        assert areas.min() >= 3
        assert areas.max() <= 40


def test_a_frame_without_room_is_recorded(draw):
    mask = np.ones((40, 40), np.uint8)
    mask[:6, :6] = 0
    for result, params in draw(NoiseScatter(), mask, 3):
        assert params["fallback"] == "fewer"
        assert params["count"] < 10
        assert not (result & mask).any()
