"""Odd and hostile files: each gives the right frame or one clear line with its name."""

import gzip
import io
import struct
import tracemalloc
import zlib
from contextlib import suppress

import cv2
import numpy as np
import pytest
from PIL import Image

from ultraref.datasets.image_io import decode_image
from ultraref.datasets.readers import SUFFIXES, open_source
from ultraref.datasets.readers.open_source import source_of_stream
from ultraref.errors import MissingFileError, UserError

GREY = (np.arange(14 * 19).reshape(14, 19) % 251).astype(np.uint8)
WIDE = GREY.astype(np.uint16)


def pillow(image, kind="PNG", **options) -> bytes:
    image = image if isinstance(image, Image.Image) else Image.fromarray(image)
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def npy(array, **options) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, **options)
    return buffer.getvalue()


def npy_header(text: str, data=b"") -> bytes:
    text = text.encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + data


def png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_header(height: int, width: int) -> bytes:
    """A PNG of that size whose pixels end after a few bytes."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + png_chunk(b"IHDR", header)
        + png_chunk(b"IDAT", zlib.compress(b"\0" * 99))
        + png_chunk(b"IEND", b"")
    )


def tiff(pixels: np.ndarray, photometric=1, bits=None, samples=1, order=">") -> bytes:
    """An uncompressed TIFF, written by hand, as no writer makes some of these."""
    bits = bits or 8 * pixels.dtype.itemsize
    data = pixels.astype(pixels.dtype.newbyteorder(order)).tobytes()
    height, width = pixels.shape[:2]
    short = (lambda value: value << 16) if order == ">" else (lambda value: value)
    tags = [
        (256, 3, 1, short(width)),
        (257, 3, 1, short(height)),
        (258, 3, 1, short(bits)),
        (259, 3, 1, short(1)),
        (262, 3, 1, short(photometric)),
        (273, 4, 1, 8),
        (277, 3, 1, short(samples)),
        (278, 3, 1, short(height)),
        (279, 4, 1, len(data)),
    ]
    if samples == 3:
        data += struct.pack(f"{order}3H", bits, bits, bits)
        tags[2] = (258, 3, 3, 8 + len(data) - 6)
    directory = struct.pack(f"{order}H", len(tags))
    directory += b"".join(struct.pack(f"{order}HHII", *tag) for tag in tags) + struct.pack(f"{order}I", 0)
    return (b"MM" if order == ">" else b"II") + struct.pack(f"{order}HI", 42, 8 + len(data)) + data + directory


def palette(colours: list[int], indices: np.ndarray, **options) -> bytes:
    image = Image.fromarray(indices).convert("P")
    image.putdata(indices.ravel().tolist())
    image.putpalette(colours)
    return pillow(image, **options)


def colour_16_bit_png(image: np.ndarray) -> bytes:
    return cv2.imencode(".png", image)[1].tobytes()


TURNED_GREY = np.rot90(GREY, -1)
EXIF_8 = Image.Exif()
EXIF_8[274] = 8
RIGHT = {
    "grey PNG": ("a.png", pillow(GREY), GREY),
    "PNG named JPEG": ("a.jpg", pillow(GREY), GREY),
    "PNG without a suffix": ("a", pillow(GREY), GREY),
    "PNG named .dcm": ("a.dcm", pillow(GREY), GREY),
    "PNG named .npy": ("a.npy", pillow(GREY), GREY),
    ".npy named .png": ("a.png", npy(GREY), GREY),
    "interlaced RGB PNG": ("a.png", pillow(Image.fromarray(GREY).convert("RGB"), optimize=True), GREY),
    "1-bit PNG": ("a.png", pillow(Image.fromarray(GREY > 99)), (GREY > 99) * np.uint8(255)),
    "palette PNG": (
        "a.png",
        palette([9, 9, 9, 70, 70, 70, 200, 200, 200], GREY % 3),
        np.array([9, 70, 200], np.uint8)[GREY % 3],
    ),
    "palette PNG with transparency": (
        "a.png",
        palette([9, 9, 9, 70, 70, 70, 200, 200, 200], GREY % 3, transparency=1),
        np.array([9, 70, 200], np.uint8)[GREY % 3],
    ),
    "grey with alpha": ("a.png", pillow(Image.fromarray(GREY).convert("LA")), GREY),
    "transparent RGBA": ("a.png", pillow(np.dstack([GREY, GREY, GREY, GREY * 0])), GREY),
    "1 px wide": ("a.png", pillow(GREY[:, :1].copy()), GREY[:, :1]),
    "1 px high": ("a.png", pillow(GREY[:1].copy()), GREY[:1]),
    "one pixel": ("a.png", pillow(GREY[1:2, 1:2].copy()), GREY[1:2, 1:2]),
    "16-bit PNG, full range": ("a.png", pillow(WIDE * 257 + (WIDE == 250) * np.uint16(0)), GREY),
    "16-bit PNG of 8-bit values": ("a.png", pillow(WIDE), GREY),
    "16-bit colour PNG": ("a.png", colour_16_bit_png(np.dstack([WIDE * 257] * 3)), GREY),
    "16-bit colour PNG with alpha": ("a.png", colour_16_bit_png(np.dstack([WIDE * 257] * 4)), GREY),
    "big-endian 16-bit TIFF": ("a.tif", tiff(WIDE * 257), GREY),
    "little-endian 16-bit TIFF": ("a.tif", tiff(WIDE * 257, order="<"), GREY),
    "16-bit TIFF whose 0 is white": ("a.tif", tiff(65535 - WIDE * 257, photometric=0, order="<"), GREY),
    "8-bit TIFF whose 0 is white": ("a.tif", tiff(255 - GREY, photometric=0), GREY),
    "TIFF named .png": ("a.png", pillow(GREY, "TIFF"), GREY),
    "LZW TIFF": ("a.tif", pillow(GREY, "TIFF", compression="tiff_lzw"), GREY),
    "deflated TIFF": ("a.tif", pillow(GREY, "TIFF", compression="tiff_adobe_deflate"), GREY),
    "BigTIFF": ("a.tif", pillow(GREY, "TIFF", big_tiff=True), GREY),
    "CMYK TIFF": ("a.tif", pillow(Image.fromarray(GREY).convert("RGB").convert("CMYK"), "TIFF"), GREY),
    "float TIFF in [0, 1]": ("a.tif", pillow(Image.fromarray(GREY.astype(np.float32) / 255), "TIFF"), GREY),
    "BMP": ("a.bmp", pillow(GREY, "BMP"), GREY),
    "palette BMP": ("a.bmp", pillow(Image.fromarray(GREY).convert("P"), "BMP"), GREY),
    "EXIF-turned PNG": ("a.png", pillow(TURNED_GREY, exif=EXIF_8), GREY),
    "EXIF orientation that is none": (
        "a.png",
        pillow(GREY, exif=b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x63\0\0\0\0\0\0"),
        GREY,
    ),
    ".npy of bool": ("a.npy", npy(GREY > 99), (GREY > 99) * np.uint8(255)),
    ".npy in Fortran's order": ("a.npy", npy(np.asfortranarray(GREY)), GREY),
    ".npy, big-endian": ("a.npy", npy(WIDE.astype(">u2") * 257), GREY),
    ".npy of int64": ("a.npy", npy(GREY.astype(np.int64)), GREY),
    ".npy of RGB": ("a.npy", npy(np.dstack([GREY] * 3)), GREY),
    ".npy with one channel": ("a.npy", npy(GREY[:, :, None]), GREY),
    ".npy of one frame": ("a.npy", npy(GREY[None]), GREY),
    ".npy of floats": ("a.npy", npy(GREY / 255), GREY),
}


@pytest.mark.parametrize("case", RIGHT)
def test_the_right_frame(case, tmp_path):
    name, data, expected = RIGHT[case]
    (tmp_path / name).write_bytes(data)
    with open_source(tmp_path / name) as source:
        found = source.frame()
        assert source.num_frames == 1
        assert source.spacing is None
        assert source.spacing_note
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(("mode", "tolerance"), [("L", 3), ("RGB", 3), ("CMYK", 3)])
def test_jpeg_of_every_mode(tmp_path, mode, tolerance):
    smooth = np.linspace(0, 255, 32 * 48).reshape(32, 48).astype(np.uint8)
    image = Image.fromarray(smooth).convert("RGB").convert(mode)
    (tmp_path / "a.png").write_bytes(pillow(image, "JPEG", quality=98))
    with open_source(tmp_path / "a.png") as source:
        assert np.abs(source.frame().astype(int) - smooth).max() <= tolerance


FLOATS = GREY / 255
REFUSED = {
    "empty file": ("a.png", b"", r"empty \(0 bytes\)"),
    "text": ("a.png", b"not an image", "no format"),
    "zeros": ("a.png", bytes(500), "no format"),
    "HTML": ("a.jpg", b"<!doctype html><html>not found</html>", "HTML"),
    "GIF": ("a.gif", pillow(GREY, "GIF"), "is a GIF; what is read is PNG, JPEG"),
    "GIF named .png": ("a.png", pillow(GREY, "GIF"), "is a GIF"),
    "WebP": ("a.webp", pillow(GREY, "WEBP"), "WebP"),
    "PDF": ("a.pdf", b"%PDF-1.7 ...", "PDF"),
    "PostScript": ("a.jpg", b"%!PS-Adobe-3.0 EPSF-3.0\n", "PostScript"),
    "JPEG 2000": ("a.jpg", pillow(GREY, "JPEG2000"), "JPEG 2000"),
    "MP4": ("a.png", b"\0\0\0 ftypisom", "MP4"),
    "ZIP": ("a.npy", b"PK\x03\x04 ...", "ZIP"),
    "gzip of something": ("a.nii.gz", gzip.compress(b"text"), "gzip"),
    "damaged gzip": ("a.nii.gz", gzip.compress(GREY.tobytes())[:40], "gzip"),
    "Git LFS pointer": ("a.png", b"version https://git-lfs.github.com/spec/v1\n", "Git LFS"),
    "PNG's signature alone": ("a.png", b"\x89PNG\r\n\x1a\n", "PNG"),
    "truncated PNG": ("a.png", pillow(GREY)[:-30], "PNG.*cut off"),
    "truncated JPEG": ("a.jpg", pillow(GREY, "JPEG")[:-40], "JPEG"),
    "truncated TIFF": ("a.tif", pillow(GREY, "TIFF")[:200], "TIFF"),
    "truncated BMP": ("a.bmp", pillow(GREY, "BMP")[:200], "BMP"),
    "30000 x 30000 PNG": ("a.png", png_header(30000, 30000), r"30000 x 30000 .*limit of 40000000"),
    "40-million-pixel PNG that ends early": ("a.png", png_header(5000, 8000), "PNG"),
    "huge .npy": (
        "a.npy",
        npy_header("{'descr': '|u1', 'fortran_order': False, 'shape': (30000, 30000), }"),
        "30000 x 30000",
    ),
    "16-bit colour PNG with a chunk of 4 GB": (
        "a.png",
        colour_16_bit_png(np.dstack([WIDE] * 3)).replace(
            struct.pack(">I", len(colour_16_bit_png(np.dstack([WIDE] * 3))) - 57) + b"IDAT", b"\xff\0\0\0IDAT"
        ),
        "PNG",
    ),
    "animated PNG": (
        "a.png",
        pillow(GREY, save_all=True, append_images=[Image.fromarray(GREY[::-1].copy())]),
        "animated",
    ),
    "16-bit colour TIFF": ("a.tif", tiff(np.dstack([WIDE] * 3), photometric=2, samples=3), "more than 8 bits a colour"),
    "float TIFF over 1": ("a.tif", pillow(Image.fromarray(GREY.astype(np.float32)), "TIFF"), r"\[0, 1\]"),
    ".npy with NaN": ("a.npy", npy(np.where(GREY == 5, np.nan, FLOATS)), "nan"),
    ".npy with infinity": ("a.npy", npy(np.where(GREY == 5, np.inf, FLOATS)), "inf"),
    ".npy of floats to 255": ("a.npy", npy(GREY.astype(np.float32)), r"\[0, 1\].*250"),
    ".npy of z-scores": ("a.npy", npy((FLOATS - FLOATS.mean()) / FLOATS.std()), r"\[0, 1\]"),
    ".npy of negative integers": ("a.npy", npy(-GREY.astype(int)), "-250"),
    ".npy of complex numbers": ("a.npy", npy(GREY.astype(complex)), "complex"),
    ".npy of objects": (
        "a.npy",
        npy(np.array([[{}]]), allow_pickle=True),
        "pickled Python objects, which are never loaded",
    ),
    ".npy of records": ("a.npy", npy(np.zeros((9, 9), [("a", "u1")])), "'a'"),
    ".npy of text": ("a.npy", npy(np.array([["a"]])), "U1"),
    ".npy of dates": ("a.npy", npy(np.zeros((9, 9), "M8[s]")), "datetime"),
    ".npy of channels first": ("a.npy", npy(np.stack([GREY] * 3)), r"\(3, 14, 19\)"),
    ".npy of four channels first": ("a.npy", npy(np.stack([GREY] * 4)), r"\(4, 14, 19\)"),
    ".npy of two channels last": ("a.npy", npy(np.dstack([GREY] * 2)), r"\(14, 19, 2\)"),
    ".npy of one axis": ("a.npy", npy(GREY[0]), r"\(19,\)"),
    ".npy of one number": ("a.npy", npy(np.uint8(4)), r"\(\)"),
    ".npy without pixels": ("a.npy", npy(np.zeros((0, 5), np.uint8)), "empty"),
    ".npy without frames": ("a.npy", npy(np.zeros((0, 9, 9), np.uint8)), "empty"),
    ".npy that is cut off": ("a.npy", npy(GREY)[:200], "cut off"),
    ".npy whose header is cut off": ("a.npy", npy(GREY)[:40], "NumPy"),
    ".npy whose header is code": ("a.npy", npy_header("{'descr': __import__('os'), 'shape': (1,)}"), "NumPy"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_one_clear_line(case, tmp_path):
    name, data, message = REFUSED[case]
    (tmp_path / name).write_bytes(data)
    with pytest.raises(UserError, match=message) as caught, open_source(tmp_path / name) as source:
        source.frame()
    assert str(caught.value).startswith(str(tmp_path / name))
    assert "\n" not in str(caught.value)
    assert "allow_pickle" not in str(caught.value)
    # Data sets and converters refuse it for the same reason.
    with pytest.raises(UserError, match=message):
        decode_image(data, tmp_path / name)


def test_what_is_no_file_is_named(tmp_path):
    with pytest.raises(MissingFileError, match=r"gone\.png: no such file"):
        open_source(tmp_path / "gone.png")
    with pytest.raises(UserError, match="is no file"):
        open_source(tmp_path)


@pytest.mark.parametrize("case", ["30000 x 30000 PNG", "huge .npy", "16-bit colour PNG with a chunk of 4 GB"])
def test_no_memory_is_taken_for_what_a_header_claims(case, tmp_path):
    name, data, _ = REFUSED[case]
    (tmp_path / name).write_bytes(data)
    tracemalloc.start()
    with pytest.raises(UserError), open_source(tmp_path / name) as source:
        source.frame()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2e6


def test_the_limit_can_be_moved(tmp_path):
    (tmp_path / "a.png").write_bytes(pillow(GREY))
    with pytest.raises(UserError, match="limit of 265"):
        open_source(tmp_path / "a.png", max_pixels=14 * 19 - 1)
    open_source(tmp_path / "a.png", max_pixels=14 * 19).close()


def test_pages_of_a_tiff_are_frames_in_any_order_and_size(tmp_path):
    pages = [GREY, 255 - GREY, GREY[:9].copy()]
    first, *others = [Image.fromarray(page) for page in pages]
    (tmp_path / "a.tif").write_bytes(pillow(first, "TIFF", save_all=True, append_images=others))
    with open_source(tmp_path / "a.tif") as source:
        assert source.num_frames == 3
        for index in (2, 0, 1, 1, 2):
            np.testing.assert_array_equal(source.frame(index), pages[index])
    with pytest.raises(UserError, match="3 pages or frames"):
        decode_image((tmp_path / "a.tif").read_bytes(), "a.tif")


@pytest.mark.parametrize("order", ["C", "F"])
def test_frames_of_an_array(tmp_path, order):
    frames = np.stack([GREY, 255 - GREY])
    np.save(tmp_path / "a.npy", np.array(frames, order=order))
    with open_source(tmp_path / "a.npy") as source:
        assert source.num_frames == 2
        np.testing.assert_array_equal(source.frame(1), frames[1])
        np.testing.assert_array_equal(source.frame(0), frames[0])


def test_one_depth_for_files_of_a_set(tmp_path):
    """Without it, 1020 and 1030 of 16 bits would be 254 and 64."""
    for name, value in (("a.png", 1020), ("b.png", 1030)):
        (tmp_path / name).write_bytes(pillow(np.full((5, 5), value, np.uint16)))
    found = {}
    for bits in (None, 12):
        for name in ("a.png", "b.png"):
            with open_source(tmp_path / name, bits=bits) as source:
                found[name, bits] = int(source.frame()[0, 0])
    assert found == {("a.png", None): 254, ("b.png", None): 64, ("a.png", 12): 64, ("b.png", 12): 64}
    with pytest.raises(UserError, match=r"b\.png: a depth of 10 bits was given.*1030"):
        open_source(tmp_path / "b.png", bits=10).frame()


def test_suffixes_are_lower_case_and_cover_every_format():
    assert set(SUFFIXES) >= {".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".npy", ".dcm", ".nii", ".nii.gz"}
    assert all(suffix == suffix.lower() and suffix[0] == "." for suffix in SUFFIXES)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF", "ignore:Truncated File")
@pytest.mark.parametrize("case", ["grey PNG", "16-bit colour PNG", "LZW TIFF", "BMP", ".npy of int64"])
def test_damaged_anywhere_it_is_read_or_refused(case):
    """Bytes changed or cut at random: a frame of the size it claims, or a UserError; nothing else."""
    name, data, _ = RIGHT[case]
    rng = np.random.default_rng(0)
    for _ in range(60):
        damaged = bytearray(data)
        for at in rng.integers(0, len(data), 3):
            damaged[at] = rng.integers(256)
        damaged = damaged[: rng.integers(1, len(data) + 1)] if rng.random() < 0.3 else damaged
        with suppress(UserError), source_of_stream(io.BytesIO(bytes(damaged)), name) as source:
            assert source.frame().ndim == 2
