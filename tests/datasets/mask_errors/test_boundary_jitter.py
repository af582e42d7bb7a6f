import numpy as np
from scipy.ndimage import distance_transform_edt

from ultraref.datasets.mask_errors import BoundaryJitter


def test_changes_stay_near_the_boundary_and_small(lesion, draw):
    inside, outside = distance_transform_edt(lesion), distance_transform_edt(1 - lesion)
    operations = set()
    for result, params in draw(BoundaryJitter(), lesion, 40):
        operations.add(params["operation"])
        assert params["kernel"] in (0, 3, 5, 7, 9, 11)
        radius = params["kernel"] // 2
        grown, shrunk = (result == 1) & (lesion == 0), (result == 0) & (lesion == 1)
        # OpenCV's disc of radius r holds offsets like (5, 2), up to 0.39 px beyond r.
        assert outside[grown].max(initial=0) <= radius + 0.39
        assert inside[shrunk].max(initial=0) <= radius + 1
        assert grown.sum() + shrunk.sum() <= 0.25 * lesion.sum()
        if params["operation"] in ("dilate", "close"):
            assert not shrunk.any()
        else:
            assert not grown.any()
    assert operations == {"dilate", "erode", "open", "close"}


def test_all_sizes_are_drawn_where_the_lesion_is_large(draw):
    mask = np.zeros((200, 200), np.uint8)
    mask[30:170, 30:170] = 1  # 5 px all around are 4 * 5 / 140 = 14 % of the area
    assert {params["kernel"] for _, params in draw(BoundaryJitter(), mask, 40)} == {3, 5, 7, 9, 11}


def test_a_disc_shrinks_before_it_erases(draw):
    mask = np.zeros((30, 30), np.uint8)
    mask[10:20, 10:20] = 1  # an erosion by 1 px takes 36 %
    for result, params in draw(BoundaryJitter(), mask, 30):
        if params["operation"] == "erode":
            assert params["kernel"] == 0
            np.testing.assert_array_equal(result, mask)


def test_a_blank_mask_stays_blank(draw):
    for value in (0, 1):
        blank = np.full((20, 30), value, np.uint8)
        for result, _ in draw(BoundaryJitter(), blank, 12):
            np.testing.assert_array_equal(result, blank)
