"""Sizes of the networks' inputs and of the ground truth."""

import numpy as np
import pytest

from ultraref.datasets.transforms import ResizeToModels
from ultraref.datasets.transforms.resize_to_models import resize


def test_shrinking_by_a_whole_number_averages_the_area():
    image = np.random.default_rng(0).integers(0, 256, (12, 20)).astype(np.float32)
    np.testing.assert_allclose(resize(image, 4, 5), image.reshape(4, 3, 5, 4).mean((1, 3)), rtol=1e-5)


def test_growing_is_linear_between_pixel_centres():
    ramp = np.tile(np.arange(8, dtype=np.float32), (3, 1))
    # Column X of the wide frame lies at (X + 0.5) 8 / 32 - 0.5 of the narrow one, held at the borders.
    expected = np.clip((np.arange(32) + 0.5) / 4 - 0.5, 0, 7)
    np.testing.assert_allclose(resize(ramp, 3, 32), np.tile(expected, (3, 1)), atol=1e-5)


def test_one_side_shrinks_and_the_other_grows():
    rows = np.repeat(np.arange(6, dtype=np.float32)[:, None], 4, axis=1)
    np.testing.assert_allclose(resize(rows, 2, 9), np.repeat([[1.0], [4.0]], 9, axis=1), atol=1e-5)


@pytest.mark.parametrize(("shape", "size"), [((70, 110), 32), ((30, 50), 96), ((30, 110), 64)])
def test_a_ramp_keeps_its_position_in_the_frame(shape, size):
    """Both frames share the relative position (x + 0.5) / width, so an image of it is the same in each.

    At the borders, where linear interpolation holds the last value, it is off by up to half a pixel.
    """
    position = np.tile(((np.arange(shape[1]) + 0.5) / shape[1]).astype(np.float32), (shape[0], 1))
    expected = np.tile((np.arange(size) + 0.5) / size, (size, 1))
    np.testing.assert_allclose(resize(position, size, size), expected, atol=0.5 / shape[1] + 1e-5)


def test_both_images_come_from_the_original():
    image = (np.indices((64, 64)).sum(0) % 2 * 255).astype(np.uint8)  # a checkerboard: lost at 32 px, whole at 64
    results = ResizeToModels()({"img": image, "sizes": {"coarse": 32, "sam": 64}})
    np.testing.assert_array_equal(results["sam_image"], image)
    assert np.ptp(results["coarse_image"]) == 0
    assert results["coarse_image"].dtype == np.uint8
    assert "gt" not in results


@pytest.mark.parametrize(("frame", "size"), [("coarse", 16), ("sam", 48)])
def test_ground_truth_is_in_the_named_frame(frame, size):
    mask = np.zeros((64, 96), np.uint8)
    mask[16:40, 24:72] = 1
    results = ResizeToModels(gt=frame)({"img": mask, "gt_seg_map": mask, "sizes": {"coarse": 16, "sam": 48}})
    expected = np.zeros((size, size), np.uint8)
    expected[size // 4 : size * 5 // 8, size // 4 : size * 3 // 4] = 1  # the same shares of height and width
    np.testing.assert_array_equal(results["gt"], expected)
    assert results["gt"].dtype == np.uint8


def test_a_pixel_counts_as_lesion_from_half_its_area_on():
    # Each pixel covers 4 x 4 native ones. Half of them are lesion in all but the lower right, where a quarter is.
    mask = np.zeros((8, 8), np.uint8)
    mask[:, [0, 1, 4, 5]] = 1
    mask[4:, 5] = 0
    results = ResizeToModels(["coarse"], gt="coarse")({"img": mask, "gt_seg_map": mask, "sizes": {"coarse": 2}})
    np.testing.assert_array_equal(results["gt"], [[1, 1], [1, 0]])


def test_inputs_and_ground_truth_may_be_of_different_networks():
    image = np.zeros((10, 10), np.uint8)
    results = ResizeToModels(["sam"], gt="coarse")(
        {"img": image, "gt_seg_map": image, "sizes": {"coarse": 4, "sam": 6}}
    )
    assert results["sam_image"].shape == (6, 6)
    assert results["gt"].shape == (4, 4)
    assert "coarse_image" not in results


@pytest.mark.parametrize("options", [{"inputs": "sam"}, {"inputs": []}, {"inputs": ["roi"]}, {"gt": "roi"}])
def test_unknown_networks_are_refused(options):
    with pytest.raises(ValueError, match=r"'coarse'.*'sam'"):
        ResizeToModels(**options)


@pytest.mark.parametrize("sizes", [{}, {"sizes": None}, {"sizes": {"coarse": 8}}])
def test_a_missing_size_names_the_data_sets_argument(sizes):
    results = {"img": np.zeros((8, 8), np.uint8), "dataset": "busi", **sizes}
    with pytest.raises(ValueError, match=r"'busi' doesn't know the size of the sam network.*sizes=dict\(sam="):
        ResizeToModels(["sam"])(results)


@pytest.mark.parametrize("image", [np.zeros((8, 8, 3), np.uint8), np.zeros((8, 8), np.float32)])
def test_what_is_not_a_grey_8_bit_image_is_refused(image):
    with pytest.raises(ValueError, match=r"img is (uint8 \(8, 8, 3\)|float32 \(8, 8\))"):
        ResizeToModels(["sam"])({"img": image, "sizes": {"sam": 8}})


def test_a_mask_padded_by_another_package_is_refused():
    results = {"img": np.zeros((8, 8), np.uint8), "gt_seg_map": np.full((8, 8), 255, np.uint8), "sizes": {"sam": 8}}
    with pytest.raises(ValueError, match=r"has the value 255.*pad_val"):
        ResizeToModels(["sam"])(results)
