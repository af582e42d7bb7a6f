import numpy as np
from scipy.ndimage import distance_transform_edt

from ultraref.datasets.mask_errors import BoundaryJitter


def test_changes_stay_near_the_boundary(lesion, draw):
    inside, outside = distance_transform_edt(lesion), distance_transform_edt(1 - lesion)
    operations = set()
    for result, params in draw(BoundaryJitter(), lesion, 40):
        operations.add(params["operation"])
        assert params["kernel"] in (3, 5, 7, 9, 11)
        radius = params["kernel"] // 2
        grown, shrunk = (result == 1) & (lesion == 0), (result == 0) & (lesion == 1)
        # OpenCV's disc of radius r holds offsets like (5, 2), up to 0.39 px beyond r.
        assert outside[grown].max(initial=0) <= radius + 0.39
        assert inside[shrunk].max(initial=0) <= radius + 1
        if params["operation"] in ("dilate", "close"):
            assert not shrunk.any()
        else:
            assert not grown.any()
    assert operations == {"dilate", "erode", "open", "close"}


def test_a_blank_mask_stays_blank(draw):
    for value in (0, 1):
        blank = np.full((20, 30), value, np.uint8)
        for result, _ in draw(BoundaryJitter(), blank, 12):
            np.testing.assert_array_equal(result, blank)
