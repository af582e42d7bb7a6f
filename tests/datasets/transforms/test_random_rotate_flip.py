"""One affine map for image, mask and coarse probability."""

import cv2
import numpy as np
import pytest

from ultraref.datasets.transforms import RandomRotateFlip
from ultraref.datasets.transforms.affine import frame_matrix, warp
from ultraref.datasets.transforms.random_rotate_flip import rotate_flip_matrix
from ultraref.datasets.transforms.resize_to_models import resize


def sample(seed=0, height=90, width=140, coarse_size=64):
    """A soft blob off the centre as image, its upper half as mask, and itself as coarse probability."""
    y, x = np.mgrid[:height, :width].astype(np.float32)
    blob = np.exp(-(((y - 0.4 * height) / 14) ** 2) - ((x - 0.6 * width) / 22) ** 2)
    return {
        "img": np.rint(blob * 255).astype(np.uint8),
        "gt_seg_map": (blob >= 0.5).astype(np.uint8),
        "coarse_prob": resize(blob, coarse_size, coarse_size),
        "rng": np.random.default_rng(seed),
    }


def test_a_quarter_turn_of_a_square_moves_pixels_exactly():
    image = np.arange(25, dtype=np.uint8).reshape(5, 5)
    # From the x axis (right) to the y axis (down): clockwise on the screen.
    np.testing.assert_array_equal(warp(image, rotate_flip_matrix(90, False, 5, 5)), np.rot90(image, -1))


@pytest.mark.parametrize("shape", [(5, 8), (6, 7)])
def test_a_flip_mirrors_exactly(shape):
    image = np.arange(shape[0] * shape[1], dtype=np.uint8).reshape(shape)
    np.testing.assert_array_equal(warp(image, rotate_flip_matrix(0, True, *shape)), image[:, ::-1])


def test_flip_comes_before_rotation():
    flip, turn = rotate_flip_matrix(0, True, 30, 50), rotate_flip_matrix(17, False, 30, 50)
    np.testing.assert_allclose(rotate_flip_matrix(17, True, 30, 50), turn @ flip, atol=1e-12)


def test_frames_keep_pixel_centres():
    # Two coarse pixels over 10 columns: their centres lie at columns 2 and 7 of the wide frame.
    matrix = frame_matrix((4, 10), (4, 2))
    np.testing.assert_allclose(matrix @ [2, 3, 1], [0, 3, 1], atol=1e-12)
    np.testing.assert_allclose(matrix @ [7, 0, 1], [1, 0, 1], atol=1e-12)


@pytest.mark.parametrize("flip_prob", [0, 1])
@pytest.mark.parametrize("seed", range(4))
def test_image_mask_and_coarse_stay_aligned(seed, flip_prob):
    after = RandomRotateFlip(degrees=20, flip_prob=flip_prob)(sample(seed))
    assert not np.array_equal(after["img"], sample(seed)["img"])
    # The mask was the image above one half, and still is, to a pixel of the outline.
    disagree = after["gt_seg_map"] != (after["img"] >= 128)
    outline = cv2.dilate(after["gt_seg_map"], np.ones((3, 3), np.uint8)) != cv2.erode(
        after["gt_seg_map"], np.ones((3, 3), np.uint8)
    )
    assert not (disagree & ~outline).any()
    # The coarse probability was the resized image, and still is.
    expected = resize(after["img"].astype(np.float32) / 255, 64, 64)
    np.testing.assert_allclose(after["coarse_prob"], expected, atol=0.03)
    assert after["coarse_prob"].dtype == np.float32
    assert set(np.unique(after["gt_seg_map"])) == {0, 1}
    assert after["gt_seg_map"].dtype == after["img"].dtype == np.uint8


def test_nothing_comes_in_from_outside():
    results = RandomRotateFlip(degrees=45, flip_prob=0)(
        {
            "img": np.full((40, 80), 200, np.uint8),
            "gt_seg_map": np.ones((40, 80), np.uint8),
            "coarse_prob": np.ones((32, 32), np.float32),
            "rng": np.random.default_rng(3),
        }
    )
    for name in ("img", "gt_seg_map", "coarse_prob"):
        assert results[name][0, 0] == 0
        assert results[name][results[name].shape[0] // 2, results[name].shape[1] // 2] > 0


def test_switched_off_it_changes_nothing():
    after = RandomRotateFlip(degrees=20, rotate_prob=0, flip_prob=0)(sample())
    for name, value in sample().items():
        if name != "rng":
            np.testing.assert_array_equal(after[name], value)


def test_shares_and_angles():
    """Seen through a point on the x axis of a large frame: where it goes tells flip and angle."""
    transform = RandomRotateFlip(degrees=20, rotate_prob=0.5, flip_prob=0.25)
    rng, angles, flips = np.random.default_rng(0), [], 0
    image = np.zeros((101, 101), np.uint8)
    image[46:55, 86:95] = 255  # 40 px right of the centre
    for _ in range(400):
        y, x = np.argwhere(transform({"img": image, "rng": rng})["img"] > 127).mean(0) - 50
        flips += x < 0
        angles.append(np.degrees(np.arctan(y / x)))
    turned = np.abs(angles) > 0.2
    assert np.abs(angles).max() <= 20.5
    # Three binomial standard deviations: 0.075 at 0.5, 0.065 at 0.25.
    assert abs(turned.mean() - 0.5) < 0.08
    assert abs(flips / 400 - 0.25) < 0.07
    # A uniform angle in +-20 degrees has a standard deviation of 20 / sqrt(3) = 11.5.
    assert abs(np.std(np.array(angles)[turned]) - 11.5) < 1.5


def test_later_transforms_get_the_same_numbers_whatever_the_options():
    tails = set()
    for options in ({}, {"rotate_prob": 0, "flip_prob": 0}, {"degrees": 5}):
        results = RandomRotateFlip(**options)(sample(seed=1))
        tails.add(results["rng"].random())
    assert len(tails) == 1


@pytest.mark.parametrize("option", ["rotate_prob", "flip_prob"])
def test_probabilities_are_checked(option):
    with pytest.raises(ValueError, match=rf"{option}.*1\.5"):
        RandomRotateFlip(**{option: 1.5})
