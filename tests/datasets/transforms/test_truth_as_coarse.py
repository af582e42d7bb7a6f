"""The truth in a coarse mask's place."""

import numpy as np
import pytest

from ultraref.datasets.transforms import TruthAsCoarse
from ultraref.errors import UserError


def test_the_mask_comes_to_the_coarse_frame_by_area():
    mask = np.zeros((8, 16), np.uint8)
    mask[2:6, 4:9] = 1
    results = TruthAsCoarse()(dict(gt_seg_map=mask, sizes=dict(coarse=4)))
    # A pixel of the frame holds 2 x 4 of the mask's.
    expected = np.zeros((4, 4), np.float32)
    expected[1:3] = [0, 1, 0.25, 0]
    np.testing.assert_allclose(results["coarse_prob"], expected)
    assert results["coarse_origin"] == "truth"


def test_a_missing_size_is_named():
    with pytest.raises(UserError, match="coarse"):
        TruthAsCoarse()(dict(gt_seg_map=np.zeros((4, 4), np.uint8), dataset="x"))
