"""BUS-UCLM: coloured masks, patients by prefix, blank masks."""

import numpy as np
import pytest
from PIL import Image

from ultraref.datasets import Splits
from ultraref.datasets.converters import convert, find_bus_uclm
from ultraref.datasets.image_io import read_mask

GREEN, RED, BLACK, BLUE = (0, 255, 0), (255, 0, 0), (0, 0, 0), (0, 0, 255)


def fill(archive, prefix=""):
    for patient in ("ALWI", "BEDE", "CUHE", "DIFO"):
        for number, colour in enumerate([GREEN, RED, BLACK] if patient in ("ALWI", "CUHE") else [BLACK, GREEN]):
            archive.image(f"{prefix}images/{patient}_{number:03d}.png", mode="RGB")
            archive.mask(f"{prefix}masks/{patient}_{number:03d}.png", colour=colour)


def test_class_by_colour_and_patient_by_prefix(archive, tmp_path):
    fill(archive, "BUS-UCLM/")
    found = find_bus_uclm(archive.root)
    assert {s.patient for s in found.samples} == {"alwi", "bede", "cuhe", "difo"}
    report = convert(found, tmp_path / "dst", "bus_uclm", keep_normals=True)
    assert report.classes == {"benign": 4, "malignant": 2}
    assert report.blank == ["alwi_0002", "bede_0000", "cuhe_0002", "difo_0000"]
    images = Splits.read(tmp_path / "dst").images
    assert {(name.split("_")[0], entry.patient) for name, entry in images.items()} == {
        (patient, patient) for patient in ("alwi", "bede", "cuhe", "difo")
    }
    assert len({(entry.patient, entry.split, entry.fold) for entry in images.values()}) == 4  # nobody in two parts
    assert [name for name, entry in images.items() if entry.normal] == report.blank
    for name in report.blank:
        assert (tmp_path / "dst" / images[name].split / "images" / f"{name}.png").is_file()
        assert not read_mask(tmp_path / "dst" / images[name].split / "masks" / f"{name}.png").any()
    assert Splits.read(tmp_path / "dst").cases.rows["alwi_0001"]["device"] == "Siemens ACUSON S2000"


def load(archive, name):
    (sample,) = [s for s in find_bus_uclm(archive.root).samples if s.name == name]
    return sample.load_masks(sample)


def test_antialiased_and_compressed_colours(archive, draw_square):
    fill(archive)
    archive.image("images/ZOOM_000.png")
    picture = Image.fromarray(draw_square()[..., None] * np.array(GREEN, np.uint8))
    picture.resize((120, 96), Image.Resampling.BICUBIC).resize((60, 48), Image.Resampling.BOX).save(
        archive.path("masks/ZOOM_000.png")
    )
    archive.image("images/ZOOM_001.png")
    archive.mask("masks/ZOOM_001.jpg", colour=RED, quality=85)
    for name, category in (("zoom_0000", "benign"), ("zoom_0001", "malignant")):
        (mask,), found = load(archive, name)
        assert found == category
        assert np.count_nonzero(mask != draw_square()) <= 20  # of 196: the edge, where chroma is halved


def test_lesions_of_both_colours_are_malignant(archive, draw_square):
    fill(archive)
    archive.image("images/BOTH_000.png")
    green, red = draw_square(2, 2), draw_square(30, 40, 8)
    picture = green[..., None] * np.array(GREEN, np.uint8) + red[..., None] * np.array(RED, np.uint8)
    Image.fromarray(picture).save(archive.path("masks/BOTH_000.png"))
    (mask,), category = load(archive, "both_0000")
    assert category == "malignant"
    np.testing.assert_array_equal(mask, green | red)


def test_another_colour_is_a_defect(archive, tmp_path):
    fill(archive)
    archive.image("images/BLUE_000.png")
    archive.mask("masks/BLUE_000.png", colour=BLUE)
    with pytest.raises(ValueError, match=r"1 defects(.|\n)*BLUE_000\.png: 100 % of the lesion are neither green"):
        convert(find_bus_uclm(archive.root), tmp_path / "dst", "bus_uclm")
    report = convert(find_bus_uclm(archive.root), tmp_path / "dst", "bus_uclm", skip_bad=True)
    assert (report.kept, len(report.bad)) == (6, 1)
    assert report.bad[0].startswith("masks/BLUE_000.png")
