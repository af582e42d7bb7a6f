import numpy as np
import pytest
from scipy.ndimage import label

from ultraref.datasets.mask_errors import MissingChunk


@pytest.mark.parametrize("wedge_prob", [0.0, 1.0])
def test_5_to_30_percent_are_cut_out(lesion, draw, wedge_prob):
    for result, params in draw(MissingChunk(wedge_prob=wedge_prob), lesion):
        assert "fallback" not in params
        assert params["shape"] == ("wedge" if wedge_prob else "blob")
        assert not ((lesion == 0) & (result == 1)).any()
        removed = 1 - result.sum() / lesion.sum()
        assert 0.05 - 1e-12 <= removed <= 0.3 + 1e-12
        assert removed == pytest.approx(params["fraction"], abs=1e-12)


@pytest.mark.parametrize("wedge_prob", [0.0, 1.0])
def test_one_chunk_that_opens_to_the_outside(round_lesion, draw, wedge_prob):
    for result, _ in draw(MissingChunk(wedge_prob=wedge_prob), round_lesion, 20):
        chunk = round_lesion - result
        sizes = np.bincount(label(chunk, np.ones((3, 3)))[0].ravel())[1:]
        assert sizes.max() >= 0.95 * chunk.sum()
        # The background stays in one piece, so the chunk is no hole.
        assert label(1 - result, np.ones((3, 3)))[1] == 1


def test_three_pixels_have_no_chunk(draw):
    mask = np.zeros((9, 9), np.uint8)
    mask[4, 2:5] = 1
    for result, params in draw(MissingChunk(), mask, 2):
        assert params["fallback"] == "unchanged"
        np.testing.assert_array_equal(result, mask)
