"""The median over time: against SciPy's in the middle, and the rule at the ends."""

import numpy as np
import pytest
from scipy import ndimage

from ultraref.apis.inference.temporal_median import check_window, smoothed_over_time
from ultraref.errors import UserError


def smoothed(videos, window):
    return list(smoothed_over_time(((video, prob, place) for place, (video, prob) in enumerate(videos)), window))


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 6, 11])
@pytest.mark.parametrize("window", [1, 3, 5, 7])
def test_the_window_is_centred_and_narrower_at_the_ends(count, window):
    probs = np.random.default_rng(count).random((count, 3, 4)).astype(np.float32)
    result = smoothed([("a", prob) for prob in probs], window)
    assert [payload for _, payload in result] == list(range(count))
    half = window // 2
    filtered = ndimage.median_filter(probs, size=(window, 1, 1))
    for place, (prob, _) in enumerate(result):
        radius = min(half, place, count - 1 - place)
        np.testing.assert_array_equal(prob, np.median(probs[place - radius : place + radius + 1], axis=0))
        if radius == half:
            np.testing.assert_array_equal(prob, filtered[place])
    np.testing.assert_array_equal(result[0][0], probs[0])
    np.testing.assert_array_equal(result[-1][0], probs[-1])


def test_a_flash_of_one_frame_is_gone_and_videos_are_apart():
    dark, bright = np.zeros((2, 2), np.float32), np.ones((2, 2), np.float32)
    videos = (
        [("a", dark)] * 2 + [("a", bright)] + [("a", dark)] * 2 + [("b", bright)] * 3 + [(None, dark), (None, bright)]
    )
    values = [float(prob[0, 0]) for prob, _ in smoothed(videos, 3)]
    assert values == [0, 0, 0, 0, 0, 1, 1, 1, 0, 1]


def test_frames_come_half_a_window_behind():
    seen = []

    def items():
        for place in range(20):
            seen.append(place)
            yield "a", np.full((1, 1), place, np.float32), place

    for _, place in smoothed_over_time(items(), 5):
        assert len(seen) <= place + 3


@pytest.mark.parametrize("window", [0, 2, -1])
def test_an_even_window_is_refused(window):
    with pytest.raises(UserError, match="odd number of frames"):
        check_window(window)
