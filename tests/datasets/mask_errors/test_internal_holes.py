import numpy as np
from scipy.ndimage import binary_dilation, label

from ultraref.datasets.mask_errors import InternalHoles

SQUARE = np.ones((3, 3))


def test_one_to_three_holes_of_2_to_20_percent_surrounded_by_lesion(lesion, shape, draw):
    for result, params in draw(InternalHoles(), lesion):
        assert not ((lesion == 0) & (result == 1)).any()
        holes, number = label(lesion - result, SQUARE)
        assert number == params["count"]
        if shape == "thin":
            # Three pixels wide, 300 px in all: an ellipse of 2 % (6 px) needs more than the one inner row.
            assert params["fallback"] == "unchanged"
            continue
        assert "fallback" not in params
        assert 1 <= number <= 3
        areas = np.bincount(holes.ravel())[1:] / lesion.sum()
        np.testing.assert_allclose(sorted(areas), sorted(params["fractions"]))
        assert areas.min() >= 0.02
        assert areas.max() <= 0.2
        # All neighbours of a hole are lesion, and none lies beyond the frame.
        assert not np.pad((binary_dilation(np.pad(holes > 0, 1), SQUARE)), 0)[np.pad(lesion, 1) == 0].any()


def test_every_count_occurs(round_lesion, draw):
    assert {params["count"] for _, params in draw(InternalHoles(), round_lesion, 40)} == {1, 2, 3}
