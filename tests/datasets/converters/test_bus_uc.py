"""BUS_UC: All/, Benign/ and Malignant/."""

import pytest

from ultraref.datasets.converters import find_bus_uc


def fill(archive, prefix=""):
    for n, category in enumerate(["Benign", "Malignant", "Benign", None]):
        for folder in ("All", category):
            if folder:
                archive.image(f"{prefix}{folder}/images/{n:03d}.png")
                archive.mask(f"{prefix}{folder}/masks/{n:03d}.png")


def test_the_class_is_the_folder(archive):
    fill(archive, "BUS_UC/")
    found = find_bus_uc(archive.root)
    assert {s.name: s.category for s in found.samples} == {
        "0000": "benign",
        "0001": "malignant",
        "0002": "benign",
        "0003": None,
    }
    assert all("All" in str(s.image_path) for s in found.samples)
    assert not found.bad


def test_an_image_of_both_classes_is_a_defect(archive):
    fill(archive)
    archive.image("Malignant/images/000.PNG")
    found = find_bus_uc(archive.root)
    assert [s.name for s in found.samples] == ["0001", "0002", "0003"]
    assert "000.png: lies in Benign and Malignant" in found.bad[0]


def test_all_alone_has_no_classes(archive):
    archive.image("All/images/a.png")
    archive.mask("All/masks/a.png")
    assert [s.category for s in find_bus_uc(archive.root).samples] == [None]


def test_another_folder_is_refused(archive):
    archive.image("images/a.png")
    with pytest.raises(FileNotFoundError, match="All/images, All/masks of BUS_UC"):
        find_bus_uc(archive.root)
