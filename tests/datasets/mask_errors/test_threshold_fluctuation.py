import numpy as np
from scipy.ndimage import distance_transform_cdt

from ultraref.datasets.mask_errors import ThresholdFluctuation


def test_the_boundary_moves_by_one_pixel(lesion, draw):
    rest = distance_transform_cdt(lesion, "chessboard") > 1
    grown = distance_transform_cdt(1 - lesion, "chessboard") <= 1
    operations = set()
    for result, params in draw(ThresholdFluctuation(), lesion):
        operations.add(params["operation"])
        np.testing.assert_array_equal(result, grown if params["operation"] == "dilate" else rest)
    assert operations == {"dilate", "erode"}


def test_a_blank_mask_stays_blank(draw):
    for value in (0, 1):
        blank = np.full((20, 30), value, np.uint8)
        for result, _ in draw(ThresholdFluctuation(), blank, 4):
            np.testing.assert_array_equal(result, blank)
