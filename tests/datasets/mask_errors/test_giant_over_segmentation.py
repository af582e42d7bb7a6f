import numpy as np
import pytest

from ultraref.datasets.mask_errors import GiantOverSegmentation


def test_area_grows_to_between_3_and_20_times_or_to_the_frames_limit(lesion, draw):
    fraction = lesion.mean()
    for result, params in draw(GiantOverSegmentation(), lesion):
        assert not ((lesion == 1) & (result == 0)).any()
        ratio = result.sum() / lesion.sum()
        if 3 * fraction <= 0.95:
            assert "fallback" not in params
            assert 3 <= ratio <= min(20, 0.95 / fraction)
        else:
            assert params["fallback"] == "frame_limit"
            assert result.mean() == pytest.approx(0.95, abs=1e-4)


def test_all_of_the_range_is_drawn(draw):
    mask = np.zeros((200, 200), np.uint8)
    mask[90:110, 90:110] = 1  # 1 % of the frame
    ratios = [result.sum() / 400 for result, _ in draw(GiantOverSegmentation(), mask, 60)]
    # Uniform in [3, 20]: the mean of 60 has a standard deviation of 17 / sqrt(12 * 60) = 0.63.
    assert np.mean(ratios) == pytest.approx(11.5, abs=4 * 0.63)
