"""Label maps are told from masks, and masks that may be inverted from others. The rest of the rule: tests/datasets/test_image_io.py."""

import io

import cv2
import numpy as np
import pytest
from PIL import Image

from ultraref.datasets.image_io import decode_mask
from ultraref.datasets.readers.mask_rule import looks_inverted, to_mask
from ultraref.errors import UserError


def disc(radius: float, size: int = 80) -> np.ndarray:
    y, x = np.mgrid[:size, :size] - (size - 1) / 2
    return (np.hypot(y, x) <= radius).astype(np.uint8)


@pytest.mark.parametrize("radius", [4, 9, 30])
@pytest.mark.parametrize("width", [1, 2, 5])
@pytest.mark.parametrize("void", [255, 254])
def test_a_void_ring_around_the_lesion_is_refused_with_its_counts(radius, width, void):
    lesion, whole = disc(radius), disc(radius + width)
    array = np.where(lesion, 1, np.where(whole, void, 0)).astype(np.uint8)
    counts = f"0: {(whole == 0).sum()}, 1: {lesion.sum()}, {void}: {whole.sum() - lesion.sum()}"
    with pytest.raises(UserError, match=f"m.png: is a label map.*{counts}"):
        to_mask(array, "m.png")


@pytest.mark.parametrize(
    "values", [(0, 200, 255), (0, 1, 2), (0, 50, 255), (0, 127, 254), (0, 85, 170, 255), (1, 2, 255)]
)
def test_classes_are_not_united_in_silence(values):
    array = np.full((80, 80), values[0], np.uint8)
    for value, radius in zip(values[1:], (30, 20, 10)):
        array[disc(radius) > 0] = value
    with pytest.raises(UserError, match=r"m\.png"):
        to_mask(array, "m.png")


@pytest.mark.parametrize("radius", [4, 9, 30])
@pytest.mark.parametrize("quality", [50, 75, 90, 95, 100])
def test_jpeg_masks_are_no_label_maps(radius, quality):
    buffer = io.BytesIO()
    Image.fromarray(disc(radius) * np.uint8(255)).save(buffer, "JPEG", quality=quality)
    found = decode_mask(buffer.getvalue(), "m.jpg")
    kernel = np.ones((3, 3), np.uint8)
    assert (found >= cv2.erode(disc(radius), kernel)).all()
    assert (found <= cv2.dilate(disc(radius), kernel)).all()


@pytest.mark.parametrize("scale", [2, 4])
def test_masks_drawn_with_soft_edges_of_few_values_are_no_label_maps(scale):
    coverage = disc(20 * scale, 80 * scale).reshape(80, scale, 80, scale).mean((1, 3))
    soft = np.rint(coverage * 255).astype(np.uint8)
    np.testing.assert_array_equal(to_mask(soft, "m.png"), soft >= 127.5)


def test_an_inverted_mask_is_noticed():
    assert looks_inverted(1 - disc(9))
    assert not looks_inverted(disc(9))
    assert not looks_inverted(disc(39))
    # A large lesion that the picture cuts off on three sides.
    large = np.ones((80, 80), np.uint8)
    large[:, 0] = 0
    assert not looks_inverted(large)


def test_a_mask_of_several_pages_is_refused():
    pages = [Image.fromarray(disc(9) * np.uint8(255))] * 2
    buffer = io.BytesIO()
    pages[0].save(buffer, "TIFF", save_all=True, append_images=pages[1:])
    with pytest.raises(UserError, match=r"m\.tif: has 2 pages or frames"):
        decode_mask(buffer.getvalue(), "m.tif")
