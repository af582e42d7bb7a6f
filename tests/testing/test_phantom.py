"""Properties of the made-up images."""

import itertools

import cv2
import numpy as np
import pytest

from ultraref.testing.phantom import _speckle, make_phantom, shrink


def phantoms(category, count=20, **options):
    return [make_phantom(np.random.default_rng([5, n]), category, **options) for n in range(count)]


@pytest.mark.parametrize("category", ["benign", "malignant", "normal"])
def test_the_same_generator_gives_the_same_image(category):
    first, second, other = (make_phantom(np.random.default_rng(seed), category) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.image, second.image)
    for mask, again in zip(first.masks, second.masks):
        np.testing.assert_array_equal(mask, again)
    assert first.image.shape != other.image.shape or not np.array_equal(first.image, other.image)


@pytest.mark.parametrize("category", ["benign", "malignant"])
def test_image_and_mask(category):
    for phantom in phantoms(category):
        (mask,) = phantom.masks
        height, width = phantom.image.shape
        assert 240 <= height <= 340
        assert 280 <= width <= 420
        assert phantom.image.dtype == mask.dtype == np.uint8
        assert mask.shape == phantom.image.shape
        assert set(np.unique(mask)) == {0, 1}
        # Half-width 0.06 to 0.19 of the width, aspect 0.5 to 1.15: the ellipse has 0.4 % to 18 % of a 1.4:1 frame; the
        # outline's harmonics change that by at most a factor of two.
        assert 0.002 < mask.mean() < 0.36


def test_a_normal_image_has_no_lesion():
    assert all(phantom.masks == [] and phantom.outline is None for phantom in phantoms("normal", 3))


def test_two_lesions_lie_apart():
    for phantom in phantoms("benign", 10, num_lesions=2):
        first, second = phantom.masks
        assert not (cv2.dilate(first, np.ones((3, 3), np.uint8)) & second).any()


def test_lesions_are_darker_than_their_surroundings():
    darker = []
    for phantom in phantoms("benign") + phantoms("malignant"):
        mask = phantom.masks[0]
        # To the left and right, at the same depth: what lies behind is brighter or darker for another reason.
        ring = cv2.dilate(mask, np.ones((1, 41), np.uint8)) - cv2.dilate(mask, np.ones((1, 11), np.uint8))
        darker.append(phantom.image[ring > 0].mean() - phantom.image[mask > 0].mean())
    # 11 dB of 46 are 60 grey levels; fading sides and shadows nearby take from that.
    assert np.mean(darker) > 25
    assert np.mean(np.array(darker) > 0) > 0.9


def test_spiculated_outlines_are_the_most_irregular():
    def solidity(phantom):
        contours, _ = cv2.findContours(phantom.masks[0], cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        contour = max(contours, key=cv2.contourArea)
        return cv2.contourArea(contour) / cv2.contourArea(cv2.convexHull(contour))

    by_outline = {"smooth": [], "lobulated": [], "spiculated": []}
    for phantom in phantoms("benign") + phantoms("malignant"):
        by_outline[phantom.outline].append(solidity(phantom))
    means = [np.mean(by_outline[name]) for name in ("smooth", "lobulated", "spiculated")]
    assert all(first > second for first, second in itertools.pairwise(means))
    assert means[0] > 0.95


def test_speckle_is_a_correlated_rayleigh_field():
    decibels = np.concatenate([_speckle(np.random.default_rng(n), 300, 400).ravel() for n in range(5)])
    # The intensity of fully developed speckle is exponential: 20 log10 of the amplitude has the standard deviation
    # 10 / ln 10 * pi / sqrt 6 = 5.57 dB, and the intensity's contrast (std / mean) is 1.
    intensity = 10 ** (decibels / 10)
    assert abs(decibels.std() - 5.57) < 0.15
    assert abs(intensity.mean() - 1) < 0.01
    assert abs(intensity.std() - 1) < 0.06
    field = _speckle(np.random.default_rng(0), 300, 400)
    neighbours = np.corrcoef(field[:, :-1].ravel(), field[:, 1:].ravel())[0, 1]
    distant = np.corrcoef(field[:, :-30].ravel(), field[:, 30:].ravel())[0, 1]
    assert neighbours > 0.6
    assert abs(distant) < 0.05


def test_shrinking_keeps_proportions():
    for phantom in phantoms("malignant", 5):
        small = shrink(phantom, 160)
        height, width = phantom.image.shape
        assert max(small.image.shape) == 160
        assert abs(small.image.shape[0] / small.image.shape[1] - height / width) < 0.01
        assert small.masks[0].shape == small.image.shape
        assert set(np.unique(small.masks[0])) == {0, 1}
        # Up to half a pixel of the outline is rounded away.
        assert small.masks[0].mean() == pytest.approx(phantom.masks[0].mean(), rel=0.05)
        assert small.image.mean() == pytest.approx(phantom.image.mean(), abs=1)
        assert shrink(phantom, 500) is phantom


@pytest.mark.parametrize(
    ("category", "num_lesions", "message"), [("cyst", 1, "'cyst'.*malignant"), ("benign", 0, "at least one lesion.* 0")]
)
def test_wrong_requests_are_refused(category, num_lesions, message):
    with pytest.raises(ValueError, match=message):
        make_phantom(np.random.default_rng(0), category, num_lesions)
