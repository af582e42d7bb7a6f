import numpy as np
import pytest

from ultraref.datasets.mask_errors import UnderSegmentation


def test_area_shrinks_to_between_0_4_and_0_9(lesion, draw):
    for result, params in draw(UnderSegmentation(), lesion):
        assert "fallback" not in params
        assert not ((lesion == 0) & (result == 1)).any()
        ratio = result.sum() / lesion.sum()
        assert 0.4 <= ratio <= 0.9
        assert ratio == pytest.approx(params["ratio"], rel=1e-12)


def test_what_goes_lies_along_the_boundary(round_lesion, draw):
    # The deepest pixel of a disc goes last: it is left in every draw, as at least 40 % of the area are.
    for result, _ in draw(UnderSegmentation(), round_lesion, 20):
        assert result[70, 90] == 1


@pytest.mark.parametrize("area", [1, 2, 3])
def test_lesions_of_a_few_pixels(area, draw):
    mask = np.zeros((9, 9), np.uint8)
    mask[4, 2 : 2 + area] = 1
    for result, params in draw(UnderSegmentation(), mask, 4):
        if area == 1:  # no whole number between 0.4 and 0.9
            assert params["fallback"] == "unchanged"
            np.testing.assert_array_equal(result, mask)
        else:
            assert result.sum() == area - 1
