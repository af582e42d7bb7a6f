"""BUS and UDIAT: original/ and GT/."""

import cv2
import numpy as np
import pytest

from ultraref.datasets import LesionDataset, Splits
from ultraref.datasets.converters import convert, find_bus
from ultraref.datasets.image_io import read_mask


def fill(archive, prefix="", count=6):
    for n in range(count):
        archive.image(f"{prefix}original/case{n}.png")
        archive.mask(f"{prefix}GT/case{n}.png")


def test_pairs_by_name_nested_in_capitals_with_strays(archive):
    fill(archive, "BUSIS/")
    archive.image("BUSIS/ORIGINAL/CASE7.PNG".replace("ORIGINAL", "original"))
    archive.mask("BUSIS/GT/Case7.PNG")
    archive.image("BUSIS/original/alone.png")
    archive.mask("BUSIS/GT/orphan.png")
    archive.text("BUSIS/original/.DS_Store")
    archive.text("BUSIS/GT/readme.txt")
    found = find_bus(archive.root)
    assert [s.name for s in found.samples] == [*(f"case{n:04d}" for n in range(6)), "case0007"]
    assert {s.category for s in found.samples} == {s.patient for s in found.samples} == {None}
    assert not found.bad
    for words in (("alone", "without a mask"), ("orphan", "without an image"), (".DS_Store", ""), ("readme", "not an")):
        assert sum(all(word in message for word in words) for message in found.left_out) == 1
    assert len(found.left_out) == 4


def test_folders_of_any_case(archive):
    archive.image("Original/a.png")
    archive.mask("gt/a.png")
    assert [s.name for s in find_bus(archive.root).samples] == ["a"]


def test_two_masks_and_two_images_of_one_name_are_defects(archive):
    fill(archive)
    archive.mask("GT/case1.bmp")
    archive.image("original/Case 02.png")
    archive.image("original/case_2.png")
    found = find_bus(archive.root)
    assert [s.name for s in found.samples] == [f"case{n:04d}" for n in (0, 2, 3, 4, 5)]
    several, shared = found.bad
    assert "Case 02.png and" in shared
    assert "get the same name 'case_0002'" in shared
    assert "case1.png: has 2 masks" in several


def test_antialiased_and_compressed_masks(archive, draw_square, tmp_path):
    fill(archive)
    mask = draw_square()
    for name, options in (("soft.png", {}), ("jpeg.jpg", {"quality": 60})):
        archive.image(f"original/{name.split('.')[0]}.png")
        archive.mask(f"GT/{name}", mask, mode="L", **options)
    soft = cv2.GaussianBlur(mask * np.uint8(255), (3, 3), 0)
    cv2.imwrite(str(archive.root / "GT" / "soft.png"), soft)
    convert(find_bus(archive.root), tmp_path / "dst", "bus")
    images = Splits.read(tmp_path / "dst").images
    for name in ("soft", "jpeg"):
        written = read_mask(tmp_path / "dst" / images[name].split / "masks" / f"{name}.png")
        assert np.count_nonzero(written != mask) <= 4  # the corners, at most


def test_masks_of_another_size_are_refused_or_resized(archive, draw_square, tmp_path):
    fill(archive)
    archive.image("original/big.png", shape=(96, 120))
    archive.mask("GT/big.png", draw_square())
    archive.image("original/small.png", shape=(24, 30))
    archive.mask("GT/small.png", draw_square())
    with pytest.raises(ValueError, match=r"2 defects(.|\n)*GT/big\.png: the mask is 48 x 60(.|\n)*resize-masks"):
        convert(find_bus(archive.root), tmp_path / "dst", "bus")
    report = convert(find_bus(archive.root), tmp_path / "dst", "bus", resize_masks=True)
    assert report.resized == ["big", "small"]
    images = Splits.read(tmp_path / "dst").images
    for name, scale in (("big", 2), ("small", 0.5)):
        written = read_mask(tmp_path / "dst" / images[name].split / "masks" / f"{name}.png")
        rows, columns = written.any(1).nonzero()[0], written.any(0).nonzero()[0]
        # The square is at rows 10 to 23 and columns 12 to 25.
        assert (rows[0], rows[-1] + 1, columns[0], columns[-1] + 1) == tuple(int(scale * v) for v in (10, 24, 12, 26))


def test_a_mask_of_other_proportions_is_never_resized(archive, tmp_path, draw_square):
    fill(archive)
    archive.image("original/odd.png", shape=(60, 48))
    archive.mask("GT/odd.png", draw_square())
    with pytest.raises(ValueError, match="other proportions"):
        convert(find_bus(archive.root), tmp_path / "dst", "bus", resize_masks=True)
    report = convert(find_bus(archive.root), tmp_path / "dst", "bus", resize_masks=True, skip_bad=True)
    assert report.kept == 6
    assert len(report.bad) == 1


def test_all_of_udiat_is_for_testing(archive, tmp_path):
    fill(archive)
    report = convert(find_bus(archive.root), tmp_path / "dst", "udiat", test_percent=100)
    assert report.parts == {"test": 6}
    assert len(LesionDataset(tmp_path / "dst", "test", fold=3)) == 6
    with pytest.raises(ValueError, match="is empty"):
        LesionDataset(tmp_path / "dst", "train", fold=0)
