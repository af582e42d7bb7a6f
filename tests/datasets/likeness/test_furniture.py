"""The scanner's screen is found, left out, and not made up where there is none."""

import cv2
import numpy as np
import pytest

from ultraref.datasets.likeness.furniture import MIN_IMAGES, find_furniture
from ultraref.datasets.likeness.perceptual_hash import hash_distances, perceptual_hashes
from ultraref.datasets.likeness.view import FLIPS, thumbnail
from ultraref.testing.screenshot import make_screen, make_tissue

SCREEN = make_screen(240, 320)
TISSUES = [make_tissue(np.random.default_rng(seed), 150, 240) for seed in range(30)]


def views(shots, units=None):
    pictures, sizes = [thumbnail(shot) for shot in shots], [shot.shape for shot in shots]
    furniture = find_furniture(pictures, sizes, units)
    found = [furniture.view(p, perceptual_hashes(s), size) for p, s, size in zip(pictures, shots, sizes)]
    return furniture, found


@pytest.fixture(scope="module")
def shots():
    return [SCREEN.show(tissue) for tissue in TISSUES]


def distances(found, flip=""):
    number = list(FLIPS).index(flip)
    return hash_distances(np.stack([v.hashes[0] for v in found]), np.stack([v.hashes[number] for v in found]))


def test_the_tissue_is_found_to_a_pixel_or_two(shots):
    furniture, found = views(shots)
    (frame,) = furniture.frames.values()
    # The box in pixels of a thumbnail of 128 x 128; the ruler at its right and lower edge may be cut off.
    expected = np.array(SCREEN.box) / [240, 320, 240, 320] * 128
    assert np.abs(np.array(frame.box) - expected).max() <= 6
    assert frame.count == 30
    assert all(view.valid is not None for view in found)


def test_unrelated_screenshots_are_as_far_apart_as_their_tissue(shots):
    plain = hash_distances(np.stack([perceptual_hashes(shot)[0] for shot in shots]))
    above = np.triu_indices(len(shots), 1)
    assert plain[above].min() < 76  # a hash of the whole calls some duplicates
    _, found = views(shots)
    assert distances(found)[above].min() > 76


def copies_of(shot, tissue):
    height, width = shot.shape
    y, x = round(0.025 * height), round(0.025 * width)
    cropped = shot[y : height - y, x : width - x]
    return {
        "recompressed": cv2.imdecode(
            cv2.imencode(".jpg", shot, [cv2.IMWRITE_JPEG_QUALITY, 50])[1], cv2.IMREAD_GRAYSCALE
        ),
        "brighter": np.clip(1.2 * shot + 15.0, 0, 255).astype(np.uint8),
        "cropped": cropped,
        "cropped and resized": cv2.resize(cropped, (width, height)),
        "mirrored with its screen": np.ascontiguousarray(shot[:, ::-1]),
        "darker tissue": SCREEN.show(np.clip(0.8 * tissue + 10, 0, 255).astype(np.uint8)),
    }


@pytest.mark.parametrize("name", copies_of(SCREEN.show(TISSUES[0]), TISSUES[0]))
def test_a_copy_is_near_whatever_became_of_its_screen(shots, name):
    copy = copies_of(shots[3], TISSUES[3])[name]
    _, found = views([*shots, copy])
    assert found[-1].valid is not None
    to_others = distances(found)[-1, :-1]
    assert to_others.argmin() == 3
    assert to_others[3] <= 40


def test_tissue_that_is_mirrored_in_the_same_screen_is_near_as_mirrored(shots):
    _, found = views([*shots, SCREEN.show(np.ascontiguousarray(TISSUES[5][:, ::-1]))])
    assert distances(found)[-1, 5] > 76
    assert distances(found, "left-right")[-1, 5] <= 40


def test_images_without_a_screen_stay_as_they_are():
    furniture, found = views(TISSUES)
    assert not furniture.frames
    assert all(view.valid is None for view in found)
    np.testing.assert_array_equal(found[0].hashes, perceptual_hashes(TISSUES[0]))


def test_too_few_images_of_a_size_tell_nothing(shots):
    assert not views(shots[: MIN_IMAGES - 1])[0].frames


def test_frames_of_one_loop_are_no_screen():
    loop = [np.clip(TISSUES[0].astype(int) + shift, 0, 255).astype(np.uint8) for shift in range(4)] * 6
    assert not views(loop)[0].frames  # one picture many times
    half = [np.vstack([TISSUES[0][:75], tissue[75:]]) for tissue in TISSUES]
    assert views(half)[0].frames
    assert not views(half, units=["loop"] * 30)[0].frames
