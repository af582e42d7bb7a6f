import cv2
import numpy as np
import pytest

from ultraref.datasets.mask_errors.find_masks import find_masks


def _write(path, *boxes, shape=(20, 30)):
    mask = np.zeros(shape, np.uint8)
    for top, left, bottom, right in boxes:
        mask[top:bottom, left:right] = 255
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), mask)
    return mask // 255


def test_masks_of_one_image_are_merged_and_blank_ones_left_out(tmp_path):
    first = _write(tmp_path / "benign" / "benign (1)_mask.png", (2, 2, 6, 6))
    second = _write(tmp_path / "benign" / "benign (1)_mask_1.png", (10, 10, 16, 16))
    _write(tmp_path / "normal" / "normal (1)_mask.png")
    cv2.imwrite(str(tmp_path / "benign" / "benign (1).png"), np.full((20, 30), 90, np.uint8))
    masks = find_masks(tmp_path)
    assert [name.replace("\\", "/") for name in masks] == ["benign/benign (1)"]
    np.testing.assert_array_equal(next(iter(masks.values())), first | second)


def test_a_converted_dataset_a_plain_folder_and_a_file(tmp_path):
    mask = _write(tmp_path / "data" / "train" / "masks" / "a.png", (2, 2, 6, 6))
    cv2.imwrite(str(tmp_path / "data" / "train" / "a.png"), np.full((20, 30), 90, np.uint8))
    for path in (tmp_path / "data", tmp_path / "data" / "train" / "masks", tmp_path / "data/train/masks/a.png"):
        (found,) = find_masks(path).values()
        np.testing.assert_array_equal(found, mask)


def test_nothing_usable_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError, match="found 0 masks"):
        find_masks(tmp_path)
    _write(tmp_path / "blank_mask.png")
    with pytest.raises(FileNotFoundError, match="found 1 masks"):
        find_masks(tmp_path)
