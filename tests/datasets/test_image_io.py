"""Every kind of image and mask file, each built here from known values."""

import io
import struct
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image

from ultraref.datasets.image_io import decode_image, decode_mask, encode_png, read_image, read_mask, sha256_of_file


def to_bytes(image: Image.Image, kind="PNG", **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def npy(array, **options) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, **options)
    return buffer.getvalue()


def disc(size=40, radius=9, scale=1):
    """A disc drawn at `scale` times the size and averaged: anti-aliased for scale > 1. Values in [0, 1]."""
    y, x = np.mgrid[: size * scale, : size * scale]
    centre = (size * scale - 1) / 2
    inside = ((y - centre) ** 2 + (x - centre) ** 2 <= (radius * scale) ** 2).astype(float)
    return inside.reshape(size, scale, size, scale).mean((1, 3))


GREY = np.arange(12 * 17, dtype=np.uint8).reshape(12, 17)
MASK = disc().astype(np.uint8)


class TestImages:
    def test_grey_png_is_taken_as_it_is(self):
        np.testing.assert_array_equal(decode_image(to_bytes(Image.fromarray(GREY)), "a.png"), GREY)

    @pytest.mark.parametrize("mode", ["RGB", "RGBA", "LA"])
    def test_grey_stored_in_colour_comes_back(self, mode):
        np.testing.assert_array_equal(decode_image(to_bytes(Image.fromarray(GREY).convert(mode)), "a.png"), GREY)

    def test_colour_becomes_luma(self):
        colours = Image.fromarray(np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255]]], np.uint8))
        # ITU-R BT.601: 0.299, 0.587 and 0.114 of 255.
        np.testing.assert_array_equal(decode_image(to_bytes(colours), "a.png"), [[76, 150, 29]])

    def test_transparency_is_dropped(self):
        image = np.dstack([GREY, GREY, GREY, np.zeros_like(GREY)])
        np.testing.assert_array_equal(decode_image(to_bytes(Image.fromarray(image)), "a.png"), GREY)

    def test_palette_is_looked_up(self):
        image = Image.fromarray((np.arange(4, dtype=np.uint8)).reshape(2, 2)).convert("P")
        image.putpalette([200, 200, 200, 50, 50, 50, 120, 120, 120, 7, 7, 7])
        np.testing.assert_array_equal(decode_image(to_bytes(image), "a.png"), [[200, 50], [120, 7]])

    @pytest.mark.parametrize(
        ("maximum", "full"), [(65535, 65535), (4095, 4095), (1023, 1023), (1024, 4095), (255, 255)]
    )
    def test_16_bit_is_scaled_by_the_smallest_depth_that_holds_it(self, maximum, full):
        values = np.array([[0, maximum // 3, maximum]], np.uint16)
        expected = np.rint(values / full * 255)
        for data, name in ((to_bytes(Image.fromarray(values)), "a.png"), (npy(values), "a.npy")):
            np.testing.assert_array_equal(decode_image(data, name), expected)

    def test_16_bit_colour_keeps_its_low_byte(self):
        # All values are below 4096: cut to their high byte they would be at most 15 of 255.
        grey = np.array([[0, 2000, 4095]], np.uint16)
        data = cv2.imencode(".png", np.dstack([grey] * 3))[1].tobytes()
        np.testing.assert_array_equal(decode_image(data, "a.png"), [[0, 125, 255]])

    def test_jpeg(self):
        flat = np.full((16, 16), 90, np.uint8)
        decoded = decode_image(to_bytes(Image.fromarray(flat), "JPEG", quality=95), "a.JPG")
        assert decoded.dtype == np.uint8
        assert np.abs(decoded.astype(int) - 90).max() <= 2

    def test_npy_floats_in_0_to_1(self):
        np.testing.assert_array_equal(
            decode_image(npy(np.array([[0.0, 0.5, 1.0]], np.float32)), "a.npy"), [[0, 128, 255]]
        )

    @pytest.mark.parametrize(
        ("array", "message"),
        [
            (np.array([[0.0, 1.5]]), r"a\.npy.*\[0, 1\].*1\.5"),
            (np.array([[0.0, np.nan]]), r"a\.npy.*\[0, 1\]"),
            (np.array([[-1, 5]]), r"a\.npy.*-1 to 5"),
            (np.array([[0, 70000]]), r"a\.npy.*70000"),
            (np.zeros((4, 4, 2), np.uint8), r"a\.npy.*2"),
            (np.zeros(4, np.uint8), r"a\.npy.*\(4,\)"),
        ],
    )
    def test_arrays_that_are_no_image_are_refused(self, array, message):
        with pytest.raises(ValueError, match=message):
            decode_image(npy(array), "a.npy")

    def test_npy_is_never_unpickled(self):
        data = npy(np.array([{"a": 1}], dtype=object), allow_pickle=True)
        with pytest.raises(ValueError, match=r"a\.npy.*pickle"):
            decode_image(data, "a.npy")


def damage(data: bytes, how: str) -> bytes:
    if how == "empty":
        return b""
    if how == "text":
        return b"<html>not found</html>"
    if how == "truncated":
        return data[: len(data) // 2]
    at = data.index(b"IDAT") + 20  # a flipped bit in the compressed pixels
    return data[:at] + bytes([data[at] ^ 0x10]) + data[at + 1 :]


@pytest.mark.parametrize("how", ["empty", "text", "truncated", "flipped"])
@pytest.mark.parametrize("decode", [decode_image, decode_mask])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_damaged_png_is_named(how, decode, dtype):
    noise = np.random.default_rng(0).integers(0, 255, (64, 64)).astype(dtype)
    data = damage(cv2.imencode(".png", noise)[1].tobytes(), how)
    with pytest.raises(ValueError, match=r"benign_0001\.png"):
        decode(data, "masks/benign_0001.png")


class TestMasks:
    @pytest.mark.parametrize("value", [1, 2, 128, 255])
    def test_two_values_of_which_one_is_0(self, value):
        np.testing.assert_array_equal(decode_mask(to_bytes(Image.fromarray(MASK * np.uint8(value))), "m.png"), MASK)

    @pytest.mark.parametrize("mode", ["1", "RGB", "RGBA", "LA", "P"])
    def test_0_and_255_in_every_mode(self, mode):
        np.testing.assert_array_equal(decode_mask(to_bytes(Image.fromarray(MASK * 255).convert(mode)), "m.png"), MASK)

    @pytest.mark.parametrize("array", [MASK, MASK.astype(bool), MASK.astype(np.float32), MASK.astype(np.int64) * 255])
    def test_arrays(self, array):
        np.testing.assert_array_equal(decode_mask(npy(array), "m.npy"), MASK)

    @pytest.mark.parametrize("value", [1, 65535, 256])
    def test_16_bit(self, value):
        data = cv2.imencode(".png", MASK.astype(np.uint16) * value)[1].tobytes()
        np.testing.assert_array_equal(decode_mask(data, "m.png"), MASK)

    def test_palette_with_a_dark_colour_for_the_lesion(self):
        image = Image.fromarray(MASK).convert("P")
        image.putdata(MASK.ravel().tolist())
        image.putpalette([0, 0, 0, 128, 0, 0])
        np.testing.assert_array_equal(decode_mask(to_bytes(image), "m.png"), MASK)

    def test_palette_whose_first_colour_is_the_lesion(self):
        image = Image.new("P", MASK.shape[::-1])
        image.putpalette([255, 255, 255, 0, 0, 0])
        image.putdata((1 - MASK).ravel().tolist())
        np.testing.assert_array_equal(decode_mask(to_bytes(image), "m.png"), MASK)

    @pytest.mark.parametrize("colour", [(0, 255, 0), (255, 0, 0), (0, 0, 200)])
    def test_colour_coded(self, colour):
        image = MASK[..., None] * np.array(colour, np.uint8)
        np.testing.assert_array_equal(decode_mask(to_bytes(Image.fromarray(image)), "m.png"), MASK)

    def test_two_colours_give_their_union(self):
        left = MASK.copy()
        left[:, 20:] = 0
        image = np.dstack([left, MASK - left, 0 * MASK]) * np.uint8(255)
        np.testing.assert_array_equal(decode_mask(to_bytes(Image.fromarray(image)), "m.png"), MASK)

    def test_a_mask_in_the_alpha_channel(self):
        white = np.full_like(MASK, 255)
        image = np.dstack([white, white, white, MASK * np.uint8(255)])
        np.testing.assert_array_equal(decode_mask(to_bytes(Image.fromarray(image)), "m.png"), MASK)

    def test_transparent_pixels_are_background(self):
        half = np.full_like(MASK, 255)
        half[:, 20:] = 0
        image = np.dstack([MASK * np.uint8(255)] * 3 + [half])
        np.testing.assert_array_equal(decode_mask(to_bytes(Image.fromarray(image)), "m.png"), MASK * (half > 0))

    @pytest.mark.parametrize("peak", [255, 200])
    def test_antialiased_is_cut_at_half_the_maximum(self, peak):
        coverage = disc(scale=8)
        soft = np.rint(coverage * peak).astype(np.uint8)
        assert len(np.unique(soft)) > 4
        np.testing.assert_array_equal(decode_mask(to_bytes(Image.fromarray(soft)), "m.png"), soft >= peak / 2)

    def test_a_small_lesion_enlarged_with_a_soft_edge(self):
        soft = cv2.resize(disc(20, 4) * 255, (40, 40), interpolation=cv2.INTER_LINEAR).round().astype(np.uint8)
        assert decode_mask(to_bytes(Image.fromarray(soft)), "m.png").sum() == (soft >= 127.5).sum()

    def test_jpeg_differs_at_the_edge_alone(self):
        decoded = decode_mask(to_bytes(Image.fromarray(MASK * 255), "JPEG", quality=75), "m.jpg")
        inner, outer = disc(radius=8) > 0, disc(radius=10) > 0
        assert (decoded[inner] == 1).all()
        assert (decoded[~outer] == 0).all()

    def test_blank_and_full(self):
        assert not decode_mask(encode_png(np.zeros((5, 7), np.uint8)), "m.png").any()
        for value in (1, 255):
            assert decode_mask(encode_png(np.full((5, 7), value, np.uint8)), "m.png").all()

    @pytest.mark.parametrize(
        "array",
        [
            np.full((9, 9), 100, np.uint8),  # neither 0 nor lesion
            np.array([[100, 255]], np.uint8).repeat(20, 0).repeat(10, 1),  # background that isn't black
            MASK + np.pad(MASK, ((0, 5), (0, 5)))[5:, 5:],  # label map 0, 1, 2
            (disc(60, 25) + disc(60, 12)).astype(np.uint8) * np.uint8(127),  # label map 0, 127, 254
            np.linspace(0, 255, 60 * 60).reshape(60, 60).astype(np.uint8),  # a picture
            np.linspace(0, 1, 60 * 60).reshape(60, 60),  # a probability
            MASK.astype(float) + 0.9,
            -MASK.astype(float),
            np.where(MASK, np.nan, 0.0),
        ],
    )
    def test_what_cannot_be_decided_is_refused_by_name(self, array):
        with pytest.raises(ValueError, match=r"masks/odd\.npy"):
            decode_mask(npy(array), "masks/odd.npy")


def test_a_missing_file_is_named(tmp_path):
    for read in (read_image, read_mask):
        with pytest.raises(FileNotFoundError, match=r"gone\.png"):
            read(tmp_path / "gone.png")


def test_written_png_holds_exactly_the_array():
    data = encode_png(GREY)
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">IIBB", data[16:26]) == (17, 12, 8, 0)  # width, height, depth, grey
    assert zlib.crc32(data[12:29]) == struct.unpack(">I", data[29:33])[0]
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(data))), GREY)


def test_sha256(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    # FIPS 180-2, appendix B.1.
    assert sha256_of_file(tmp_path / "a") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
