import numpy as np
from scipy.ndimage import distance_transform_cdt

from ultraref.datasets.mask_errors import ThresholdFluctuation


def test_the_boundary_moves_by_one_pixel(lesion, draw):
    rest = distance_transform_cdt(lesion, "chessboard") > 1
    grown = distance_transform_cdt(1 - lesion, "chessboard") <= 1
    operations = set()
    for result, params in draw(ThresholdFluctuation(max_change=1.0), lesion):
        operations.add(params["operation"])
        np.testing.assert_array_equal(result, grown if params["operation"] == "dilate" else rest)
    assert operations == {"dilate", "erode"}


def test_a_mask_that_would_change_too_much_stays(draw):
    mask = np.zeros((30, 30), np.uint8)
    mask[10:20, 10:20] = 1  # one pixel more is 44 %, one less 36 %
    for result, params in draw(ThresholdFluctuation(), mask, 4):
        assert params["kernel"] == 0
        np.testing.assert_array_equal(result, mask)
    assert any((result != mask).any() for result, _ in draw(ThresholdFluctuation(max_change=0.4), mask, 8))


def test_a_blank_mask_stays_blank(draw):
    for value in (0, 1):
        blank = np.full((20, 30), value, np.uint8)
        for result, _ in draw(ThresholdFluctuation(), blank, 4):
            np.testing.assert_array_equal(result, blank)
