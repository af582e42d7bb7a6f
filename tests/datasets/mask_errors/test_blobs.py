import numpy as np
import pytest
from scipy.ndimage import label

from ultraref.datasets.mask_errors.blobs import draw_blob


@pytest.mark.parametrize("lobed", [True, False])
@pytest.mark.parametrize("area", [1, 2, 3, 4, 5, 7, 11, 39, 40, 41, 80, 333, 2000])
def test_blob_is_one_piece_of_the_exact_area_and_cropped(area, lobed):
    for seed in range(40):
        blob = draw_blob(area, np.random.default_rng(seed), lobed)
        assert blob.sum() == area
        assert label(blob, np.ones((3, 3)))[1] == 1
        assert blob[0].any()
        assert blob[-1].any()
        assert blob[:, 0].any()
        assert blob[:, -1].any()
