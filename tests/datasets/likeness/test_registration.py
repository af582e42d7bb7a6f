"""Registered correlation: high for the same picture, low for others."""

import numpy as np
import pytest

from ultraref.datasets.likeness.registration import SIDE, local_contrast, registered_correlation


def test_local_contrast_ignores_brightness_and_gain(pictures):
    image = pictures[0] // 2 + 20
    contrast = local_contrast(image)
    assert contrast.shape == (SIDE, SIDE)
    assert contrast.dtype == np.float32
    np.testing.assert_allclose(local_contrast(image + 60), contrast, atol=0.02)
    assert np.abs(local_contrast(np.full((50, 70), 90, np.uint8))).max() < 1e-4


def test_a_picture_with_itself_is_one(pictures):
    contrast = local_contrast(pictures[0])
    assert registered_correlation(contrast, contrast) == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("number", range(4))
def test_motion_noise_and_gain_are_undone_and_others_stay_unlike(pictures, alter, number):
    first, others = pictures[number], [local_contrast(image) for image in pictures[number + 1 :]]
    contrast = local_contrast(first)
    assert registered_correlation(contrast, local_contrast(alter(first))) > 0.85
    assert max(registered_correlation(contrast, other) for other in others) < 0.7


def test_a_large_shift_is_found_by_phase_correlation(pictures):
    first, second = pictures[0][:, :190], pictures[0][:, 50:]
    assert registered_correlation(local_contrast(first), local_contrast(second)) > 0.85


def test_the_inputs_are_left_as_they_are(pictures):
    # OpenCV's phase correlation multiplies its window into its inputs.
    first, second = (local_contrast(image) for image in pictures[:2])
    before = first.copy(), second.copy()
    registered_correlation(first, second)
    np.testing.assert_array_equal((first, second), before)


def test_no_content_is_not_alike(pictures):
    flat = np.zeros((SIDE, SIDE), np.float32)
    assert registered_correlation(flat, flat) == -1
    assert registered_correlation(local_contrast(pictures[0]), flat) == -1
