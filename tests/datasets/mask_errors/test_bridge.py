import cv2
import numpy as np
import pytest
from scipy.ndimage import distance_transform_edt, label

from ultraref.datasets.mask_errors import Bridge

SQUARE = np.ones((3, 3))


def test_a_thin_band_is_added_to_the_lesion(lesion, draw):
    outside = distance_transform_edt(1 - lesion)
    for result, params in draw(Bridge(blob_prob=0.0), lesion, 20):
        assert "fallback" not in params
        assert not ((lesion == 1) & (result == 0)).any()
        assert 2 <= params["width"] <= 6
        assert 10 <= params["length"] <= 60
        assert params["blob_fraction"] == 0
        band = result - lesion
        # Connected to the lesion, no further away than it is long, no thicker than it is wide.
        assert label(result, SQUARE)[1] <= label(lesion, SQUARE)[1]
        assert outside[band == 1].max() <= params["length"] + params["width"] / 2
        assert distance_transform_edt(np.pad(band, 1)).max() <= params["width"] / 2 + 1


@pytest.mark.parametrize(("width", "length"), [(2.0, 10.0), (4.0, 30.0), (6.0, 60.0)])
def test_band_has_the_width_and_length_drawn(width, length, draw):
    # A small lesion in a large frame, so that the band alone makes the rectangle around what was added.
    mask = np.zeros((200, 200), np.uint8)
    mask[94:106, 94:106] = 1
    for result, params in draw(Bridge((width, width), (length, length), blob_prob=0.0), mask, 20):
        assert "fallback" not in params
        corners = cv2.findNonZero(result - mask)
        sides = sorted(side + 1 for side in cv2.minAreaRect(corners)[1])  # from pixel centres to pixel areas
        assert sides[1] == pytest.approx(length, abs=0.5 * width + 2)
        assert sides[0] == pytest.approx(width, abs=1.5)
        assert int((result - mask).sum()) == pytest.approx(width * length, rel=0.35, abs=width)


def test_a_blob_may_hang_at_the_end(round_lesion, draw):
    for result, params in draw(Bridge(blob_prob=1.0), round_lesion, 10):
        assert 0.01 <= params["blob_fraction"] <= 0.1
        assert label(result, SQUARE)[1] == 1


def test_a_lesion_that_leaves_no_room_is_unchanged(draw):
    mask = np.zeros((40, 40), np.uint8)
    mask[4:-4, 4:-4] = 1
    for result, params in draw(Bridge(), mask, 3):
        assert params["fallback"] == "unchanged"
        np.testing.assert_array_equal(result, mask)
