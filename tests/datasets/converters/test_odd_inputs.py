"""Folders as people hand them over: each converts to what it shows, or ends in one clear line. Content is made up here."""

import struct

import cv2
import numpy as np
import pytest
from PIL import Image

from ultraref.cli.main import main
from ultraref.datasets.image_io import read_image, read_mask
from ultraref.datasets.splits import Splits

SHAPE = (60, 72)


def picture(n):
    """A grey image; no two are alike."""
    coarse = np.random.default_rng(n).integers(0, 256, (6, 7)).astype(np.uint8)
    return cv2.resize(coarse, SHAPE[::-1], interpolation=cv2.INTER_CUBIC)


def lesion(n):
    """Its mask, {0, 1}, which no turn or flip maps onto itself."""
    mask = np.zeros(SHAPE, np.uint8)
    mask[8 : 20 + n, 10:26] = 1
    mask[8:12, 26:34] = 1
    return mask


@pytest.fixture
def source(tmp_path):
    """raw/images and raw/masks of ten ordinary pairs, p1 to p10."""
    for kind in ("images", "masks"):
        (tmp_path / "raw" / kind).mkdir(parents=True)
    for n in range(1, 11):
        Image.fromarray(picture(n)).save(tmp_path / f"raw/images/p{n}.png")
        Image.fromarray(lesion(n) * np.uint8(255)).save(tmp_path / f"raw/masks/p{n}.png")
    return tmp_path / "raw"


@pytest.fixture
def convert(source, tmp_path, capsys):
    """A function that converts with options, and returns the images and masks by name, or the text of the error."""

    def run(*options, src=source):
        code = main(["convert", "folder", str(src), str(tmp_path / "dst"), *options])
        printed = capsys.readouterr()
        if code == 2:
            assert "Traceback" not in printed.err
            return printed.err
        found = {}
        for name, entry in Splits.read(tmp_path / "dst").images.items():
            folder = tmp_path / "dst" / entry.split
            found[name] = read_image(folder / "images" / f"{name}.png"), read_mask(folder / "masks" / f"{name}.png")
        return found

    return run


def replace(source, n, suffix):
    """Removes an image, and returns the path of the one that takes its place."""
    (source / f"images/p{n}.png").unlink()
    return source / f"images/p{n}{suffix}"


def assert_upright(found, tolerance=0):
    """Every image and mask is that of its number."""
    assert len(found) == 10
    for name, (image, mask) in found.items():
        n = int(name[-4:])
        assert np.abs(image.astype(int) - picture(n)).max() <= tolerance
        np.testing.assert_array_equal(mask, lesion(n))


def test_a_photograph_turned_by_180_degrees(source, convert):
    exif = Image.Exif()
    exif[0x0112] = 3
    for n, suffix, options in ((1, ".png", {}), (2, ".jpg", {"quality": 100, "subsampling": 0})):
        Image.fromarray(picture(n)[::-1, ::-1].copy()).save(replace(source, n, suffix), exif=exif, **options)
    assert_upright(convert(), tolerance=4)


def test_cmyk(source, convert):
    for n, suffix in ((1, ".jpg"), (2, ".tif")):
        Image.fromarray(picture(n)).convert("RGB").convert("CMYK").save(replace(source, n, suffix), quality=100)
    assert_upright(convert(), tolerance=4)


def test_several_pages(source, convert):
    pages = [Image.fromarray(picture(n)) for n in (20, 1, 21)]
    pages[0].save(replace(source, 1, ".tif"), save_all=True, append_images=pages[1:])
    error = convert()
    assert "p1.tif: has 3 pages or frames, and nothing says which is the image" in error
    assert error.count("\n") == 2


def big_endian_tiff(array):
    height, width = array.shape
    data = array.astype(">u2").tobytes()
    short = {256: width, 257: height, 258: 16, 259: 1, 262: 1, 277: 1, 278: height}
    tags = [(tag, 3, 1, value << 16) for tag, value in short.items()] + [(273, 4, 1, 8), (279, 4, 1, len(data))]
    directory = struct.pack(">H", len(tags)) + b"".join(struct.pack(">HHII", *tag) for tag in sorted(tags))
    return b"MM" + struct.pack(">HI", 42, 8 + len(data)) + data + directory + bytes(4)


def test_16_bits(source, convert):
    wide = lambda n: picture(n).astype(np.uint16) * 257  # noqa: E731
    Image.fromarray(wide(1)).save(source / "images/p1.png")
    replace(source, 2, ".tif").write_bytes(big_endian_tiff(wide(2)))
    cv2.imwrite(str(source / "images/p3.png"), np.dstack([wide(3)] * 3))
    Image.fromarray(lesion(4).astype(np.uint16) * 65535).save(source / "masks/p4.png")
    assert_upright(convert(), tolerance=1)


def test_an_image_of_8_bits_among_deeper_ones_is_asked_about(source, tmp_path, capsys):
    Image.fromarray(picture(1).astype(np.uint16) * 257).save(source / "images/p1.png")
    Image.fromarray(picture(2).astype(np.uint16)).save(source / "images/p2.png")
    assert main(["convert", "folder", str(source), str(tmp_path / "dst")]) == 0
    assert "QUESTION: are these images whole? No pixel of 1 reaches 16 of 255" in capsys.readouterr().out


def test_numpy_files_that_are_no_images(source, convert):
    values = picture(1) / 255
    broken = {
        1: np.where(values > 0.5, np.nan, values),
        2: values * 255,
        3: (values - values.mean()) / values.std(),
        4: np.stack([picture(1)] * 3),
        5: values.astype(complex),
        6: values.astype(object),
        7: np.zeros(SHAPE, [("a", "u1")]),
        8: np.where(values > 0.5, np.inf, values),
        9: np.zeros((0, 5), np.uint8),
        10: picture(1),
    }
    for n, array in broken.items():
        np.save(replace(source, n, ".npy"), array, allow_pickle=True)
    cut = source / "images/p10.npy"
    cut.write_bytes(cut.read_bytes()[:2000])
    lines = convert().splitlines()
    assert "10 defects" in lines[0]
    assert len(lines) == 11
    for n in broken:
        assert sum(f"/p{n}.npy: " in line for line in lines[1:]) == 1


def rename(source, n, stem):
    for kind in ("images", "masks"):
        (source / kind / f"p{n}.png").rename(source / kind / f"{stem}.png")


def test_names_in_any_script(source, convert):
    names = {1: "甲", 2: "良性1", 3: "恶性1", 4: "٣", 5: "Läsion_1", 6: "Lösion_1", 7: "गाँठ"}
    for n, name in names.items():
        rename(source, n, name)
    found = convert()
    expected = {1: "甲", 2: "良性0001", 3: "恶性0001", 4: "0003", 5: "läsion_0001", 6: "lösion_0001", 7: "गाँठ"}
    assert set(found) == {*expected.values(), "p0008", "p0009", "p0010"}
    for n, name in expected.items():
        np.testing.assert_array_equal(found[name][0], picture(n))
        np.testing.assert_array_equal(found[name][1], lesion(n))


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (("a.b", "a_b"), "get the same name 'a_b'"),
        (("\U0001fac0",), "has no letter and no digit"),
        (("a1" * 100,), "over the limit"),
    ],
)
def test_names_that_are_refused(source, convert, names, message):
    for n, name in enumerate(names, start=1):
        rename(source, n, name)
    error = convert()
    assert message in error
    assert "1 defects" in error
    assert error.count("\n") == 2
    assert len(convert("--skip-bad")) == 10 - len(names)


def test_inverted_masks(source, convert):
    for n in range(1, 11):
        Image.fromarray((1 - lesion(n)) * np.uint8(255)).save(source / f"masks/p{n}.png")
    error = convert()
    assert "masks look inverted: in 10 of 10" in error
    assert error.count("\n") == 1
    assert_upright(convert("--inverted-masks", "yes"))
    assert convert("--inverted-masks", "no")["p0001"][1].mean() > 0.9


def test_void_rings(source, convert):
    for n in range(1, 11):
        ring = cv2.dilate(lesion(n), np.ones((5, 5), np.uint8)) - lesion(n)
        Image.fromarray(lesion(n) + ring * np.uint8(255)).save(source / f"masks/p{n}.png")
    error = convert()
    assert "holds 2 classes: 1 (10), 255 (10)" in error
    assert error.count("\n") == 1
    assert_upright(convert("--classes", "1"))


def test_specks(source, convert):
    one, several, small = (np.zeros(SHAPE, np.uint8) for _ in range(3))
    one[50, 60] = 1
    several[:] = lesion(2)
    several[40:50:3, 60] = 1
    small[40:42, 40:42] = 1
    for n, mask in ((1, one), (2, several), (3, small)):
        Image.fromarray(mask * np.uint8(255)).save(source / f"masks/p{n}.png")
    found = convert()
    for n, mask in ((1, one), (2, several), (3, small)):
        np.testing.assert_array_equal(found[f"p{n:04d}"][1], mask)


def test_two_clinics_with_the_same_names(source, convert, tmp_path):
    both = tmp_path / "both"
    for clinic, offset in (("a", 0), ("b", 5)):
        for kind, array in (("images", picture), ("masks", lambda n: lesion(n) * np.uint8(255))):
            (both / clinic / kind).mkdir(parents=True)
            for n in range(1, 6):
                Image.fromarray(array(n + offset)).save(both / clinic / kind / f"p{n}.png")
    templates = ("--images", "{clinic}/images/{name}.*", "--masks", "{clinic}/masks/{name}.*")
    found = convert(*templates, src=both)
    assert len(found) == 10
    for clinic, offset in (("a", 0), ("b", 5)):
        for n in range(1, 6):
            np.testing.assert_array_equal(found[f"{clinic}_p{n:04d}"][1], lesion(n + offset))
    # A * says that the folder doesn't matter, so that it can't tell whose a mask is.
    assert "fits 2 images" in convert("--images", "*/images/{name}.*", "--masks", "*/masks/{name}.*", src=both)
