"""EXIF's eight orientations: a known lesion is found where a viewer shows it, and its mask lies on the pixels that the file stores."""

import io

import numpy as np
import pytest
from PIL import Image, ImageOps

from ultraref.datasets.image_io import decode_image, decode_mask
from ultraref.datasets.readers import encode_mask_png, open_source
from ultraref.datasets.readers.orientation import turn_back, turn_upright
from ultraref.errors import UserError

# Upright 12 x 20, with a lesion of 3 x 5 at row 2, column 11.
UPRIGHT = np.zeros((12, 20), np.uint8)
UPRIGHT[2:5, 11:16] = 255
# Row and column (first, last + 1) of the lesion in the stored array, by what EXIF says of its row 0 and column 0:
# e.g. 6: row 0 is the right-hand side of the picture, column 0 its top.
STORED = {
    1: ((2, 5), (11, 16)),
    2: ((2, 5), (4, 9)),  # row 0 top, column 0 right
    3: ((7, 10), (4, 9)),  # bottom, right
    4: ((7, 10), (11, 16)),  # bottom, left
    5: ((11, 16), (2, 5)),  # left, top
    6: ((4, 9), (2, 5)),  # right, top
    7: ((4, 9), (7, 10)),  # right, bottom
    8: ((11, 16), (7, 10)),  # left, bottom
}


def stored_array(orientation: int) -> np.ndarray:
    array = np.zeros(UPRIGHT.shape if orientation < 5 else UPRIGHT.shape[::-1], np.uint8)
    rows, columns = STORED[orientation]
    array[slice(*rows), slice(*columns)] = 255
    return array


def exif(orientation: int) -> Image.Exif:
    tags = Image.Exif()
    tags[274] = orientation
    return tags


@pytest.mark.parametrize("orientation", STORED)
def test_the_turns_and_their_inverse(orientation):
    np.testing.assert_array_equal(turn_upright(stored_array(orientation), orientation), UPRIGHT)
    np.testing.assert_array_equal(turn_back(UPRIGHT, orientation), stored_array(orientation))


@pytest.mark.parametrize("orientation", STORED)
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF"])
def test_every_format_is_shown_upright_and_its_mask_goes_back(tmp_path, kind, orientation):
    options = {"quality": 100} if kind == "JPEG" else {}
    Image.fromarray(stored_array(orientation)).save(tmp_path / "us", kind, exif=exif(orientation), **options)
    with open_source(tmp_path / "us") as source:
        found = source.frame() > 127
        assert source.exif_orientation == orientation
        back = source.to_stored(found.astype(np.uint8) * np.uint8(255))
    np.testing.assert_array_equal(found, UPRIGHT > 0)
    np.testing.assert_array_equal(back, stored_array(orientation))
    np.testing.assert_array_equal(decode_image((tmp_path / "us").read_bytes(), "us") > 127, UPRIGHT > 0)
    # The written mask: in stored order for who ignores the tag, upright for Pillow and for us, who obey it.
    data = encode_mask_png(back, orientation)
    written = Image.open(io.BytesIO(data))
    np.testing.assert_array_equal(np.asarray(written), stored_array(orientation))
    np.testing.assert_array_equal(np.asarray(ImageOps.exif_transpose(written)), UPRIGHT)
    np.testing.assert_array_equal(decode_mask(data, "mask.png"), UPRIGHT // 255)
    assert (b"eXIf" in data) == (orientation != 1)


def test_a_tag_behind_the_pixels_of_a_png_counts(tmp_path):
    data = encode_mask_png(stored_array(6), 6)
    start = data.index(b"eXIf") - 4
    length = 12 + int.from_bytes(data[start : start + 4], "big")
    end = data.index(b"IEND") - 4
    (tmp_path / "a.png").write_bytes(
        data[:start] + data[start + length : end] + data[start : start + length] + data[end:]
    )
    with open_source(tmp_path / "a.png") as source:
        np.testing.assert_array_equal(source.frame(), UPRIGHT)
        assert source.exif_orientation == 6


def test_pages_that_lie_differently_are_refused(tmp_path):
    pages = [Image.fromarray(stored_array(1)), Image.fromarray(stored_array(1))]
    pages[1].encoderinfo = {"exif": exif(6)}
    pages[0].save(tmp_path / "a.tif", save_all=True, append_images=pages[1:])
    with open_source(tmp_path / "a.tif") as source:
        np.testing.assert_array_equal(source.frame(0), UPRIGHT)
        with pytest.raises(UserError, match=r"a\.tif: page 1 has EXIF orientation 6"):
            source.frame(1)


@pytest.mark.parametrize("mask", [UPRIGHT // 255, UPRIGHT.astype(int), UPRIGHT[None], UPRIGHT > 0])
def test_a_mask_is_0_and_255(mask):
    with pytest.raises(UserError, match="0 and 255"):
        encode_mask_png(mask)
