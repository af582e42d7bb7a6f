"""Folders of DICOM: pixels, masks, videos, spacing, and that nobody's name gets out."""

import csv
import json
import stat
import sys

import cv2
import numpy as np
import pydicom
import pytest
from PIL import Image

from ultraref.cli.main import main
from ultraref.datasets.converters import convert, find_dicom
from ultraref.datasets.converters.pseudonyms import Pseudonyms
from ultraref.datasets.dicom_segmentation import write_segmentation
from ultraref.datasets.splits import Splits
from ultraref.errors import MissingFileError, UserError
from ultraref.testing.dicom_files import ultrasound_region, write_dicom

pytestmark = pytest.mark.filterwarnings("ignore:The string")

SHAPE = (40, 56)
PATIENT = dict(
    PatientName="Mustermann^Erika",
    PatientBirthDate="19501231",
    PatientAge="073Y",
    StudyDate="20240229",
    AccessionNumber="ACC99",
    InstitutionName="Clinic of Nowhere",
)
SALT = Pseudonyms("a salt of a test")


def picture(seed: int, shape=SHAPE) -> np.ndarray:
    coarse = np.random.default_rng(seed).integers(0, 256, (10, 14)).astype(np.uint8)
    return np.asarray(Image.fromarray(coarse).resize(shape[::-1], Image.Resampling.BICUBIC))


def lesion(top=10, left=12, size=14, shape=SHAPE) -> np.ndarray:
    mask = np.zeros(shape, np.uint8)
    mask[top : top + size, left : left + size] = 1
    return mask


def write_image(folder, name: str, seed: int, mask=None, pixels=None, **attributes):
    """Writes an image, and its segmentation where a mask is given."""
    folder.mkdir(parents=True, exist_ok=True)
    path = write_dicom(
        folder / f"{name}.dcm",
        picture(seed) if pixels is None else pixels,
        **{**PATIENT, "PatientID": f"MRN{seed}", **attributes},
    )
    if mask is not None:
        write_segmentation(path, [mask] if mask.ndim == 2 else mask, folder / f"{name}_seg.dcm")
    return path


def test_an_image_and_its_segmentation(tmp_path):
    path = write_image(
        tmp_path,
        "a",
        0,
        lesion(),
        ImageLaterality="R",
        Manufacturer=" Maker ",
        ManufacturerModelName="E9",
        Laterality="L",
    )
    found = find_dicom(tmp_path, SALT)
    (sample,) = found.samples
    np.testing.assert_array_equal(sample.load_image(sample, None), picture(0))
    masks, category = sample.load_masks(sample)
    np.testing.assert_array_equal(np.maximum.reduce(masks), lesion())
    assert (category, sample.video, sample.frame, sample.side) == (None, None, None, "right")
    assert sample.attributes["device"] == "Maker E9"
    assert sample.mask_paths == (tmp_path / "a_seg.dcm",)
    header = pydicom.dcmread(path)
    assert sample.patient == SALT.of("patient", "\0MRN0")
    assert sample.study == SALT.of("study", header.StudyInstanceUID)
    assert sample.name == f"p{sample.patient}_i{SALT.of('instance', header.SOPInstanceUID)}"
    assert "not stated: 1" in "\n".join(found.notes)


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        (dict(PhotometricInterpretation="MONOCHROME1"), lambda grey: 255 - grey),
        (dict(), lambda grey: grey),
    ],
)
def test_photometric_interpretation(tmp_path, attributes, expected):
    write_image(tmp_path, "a", 0, lesion(), **attributes)
    (sample,) = find_dicom(tmp_path, SALT).samples
    np.testing.assert_array_equal(sample.load_image(sample, None), expected(picture(0)))


def test_colour_becomes_luma(tmp_path):
    """ITU-R 601: 0.299 R + 0.587 G + 0.114 B. In YBR_FULL, Y is the luma."""
    red = np.zeros((*SHAPE, 3), np.uint8)
    red[..., 0] = 200
    write_image(tmp_path / "rgb", "a", 0, lesion(), pixels=red)
    ybr = np.full((*SHAPE, 3), 128, np.uint8)
    ybr[..., 0] = 90
    write_image(tmp_path / "ybr", "a", 0, lesion(), pixels=ybr, PhotometricInterpretation="YBR_FULL")
    for folder, luma in (("rgb", 60), ("ybr", 90)):
        (sample,) = find_dicom(tmp_path / folder, SALT).samples
        assert set(sample.load_image(sample, None).ravel().tolist()) == {luma}


def test_a_palette_is_looked_up(tmp_path):
    """Entry 3 of the palette is grey 77, all others are black."""
    pixels = np.full(SHAPE, 3, np.uint8)
    pixels[0] = 1
    table = np.zeros(256, np.uint16)
    table[3] = 77 * 257
    names = ("Red", "Green", "Blue")
    palette = {f"{name}PaletteColorLookupTableDescriptor": [256, 0, 16] for name in names}
    palette |= {f"{name}PaletteColorLookupTableData": table.tobytes() for name in names}
    path = write_image(tmp_path, "a", 0, None, pixels=pixels, PhotometricInterpretation="PALETTE COLOR", **palette)
    write_segmentation(path, [lesion()], tmp_path / "seg.dcm")
    (sample,) = find_dicom(tmp_path, SALT).samples
    image = sample.load_image(sample, None)
    assert set(image[0].tolist()) == {0}
    assert set(image[1:].ravel().tolist()) == {77}


def test_the_frames_of_a_loop_are_a_video(tmp_path):
    frames = np.stack([picture(seed) for seed in range(7)])
    masks = np.stack([lesion(top=seed) for seed in range(7)])
    write_image(tmp_path, "loop", 0, masks, pixels=frames)
    samples = find_dicom(tmp_path, SALT, every=3).samples
    assert [sample.frame for sample in samples] == [0, 3, 6]
    assert [sample.name[-6:] for sample in samples] == ["_f0000", "_f0003", "_f0006"]
    assert len({sample.video for sample in samples}) == 1
    assert samples[0].video is not None
    for sample in samples:
        np.testing.assert_array_equal(sample.load_image(sample, None), frames[sample.frame])
        np.testing.assert_array_equal(sample.load_masks(sample)[0][0], masks[sample.frame])


def test_a_frame_that_no_segmentation_refers_to_has_no_mask(tmp_path):
    write_image(tmp_path, "loop", 0, np.stack([lesion()] * 4), pixels=np.stack([picture(seed) for seed in range(4)]))
    segmentation = pydicom.dcmread(tmp_path / "loop_seg.dcm")
    # A label of frames 2 and 4 alone.
    groups = segmentation.PerFrameFunctionalGroupsSequence
    pixels = segmentation.pixel_array[[1, 3]]
    segmentation.PerFrameFunctionalGroupsSequence = [groups[1], groups[3]]
    segmentation.NumberOfFrames = 2
    segmentation.PixelData = pydicom.pixels.pack_bits(pixels)
    segmentation.save_as(tmp_path / "loop_seg.dcm")
    found = find_dicom(tmp_path, SALT)
    assert [sample.frame for sample in found.samples] == [1, 3]
    assert "cine loops: 1 of 4 frames, of which 2 have a mask" in found.notes
    # Every other one of those that have a mask.
    assert [sample.frame for sample in find_dicom(tmp_path, SALT, every=2).samples] == [1]


def test_spacing_says_where_it_comes_from(tmp_path):
    write_image(tmp_path / "a", "a", 0, lesion(), SequenceOfUltrasoundRegions=[ultrasound_region(0.02, 0.01)])
    write_image(tmp_path / "b", "b", 1, lesion(), PixelSpacing=[0.3, 0.4])
    write_image(tmp_path / "c", "c", 2, lesion(), ImagerPixelSpacing=[0.5, 0.6])
    write_image(tmp_path / "d", "d", 3, lesion())
    # Two scales: what PixelSpacing says is of neither.
    both = [ultrasound_region(0.02, 0.02), ultrasound_region(0.03, 0.03)]
    write_image(tmp_path / "e", "e", 4, lesion(), SequenceOfUltrasoundRegions=both, PixelSpacing=[0.3, 0.3])
    expected = {
        # In cm an x and a y pixel; the table has mm, row first.
        "a": ((pytest.approx(0.1), pytest.approx(0.2)), "SequenceOfUltrasoundRegions"),
        "b": ((0.3, 0.4), "PixelSpacing, without SequenceOfUltrasoundRegions"),
        "c": ((0.5, 0.6), "ImagerPixelSpacing, without SequenceOfUltrasoundRegions"),
        "d": (None, None),
        "e": (None, None),
    }
    for name, (spacing, source) in expected.items():
        (sample,) = find_dicom(tmp_path / name, SALT).samples
        assert (sample.spacing, sample.spacing_source) == (spacing, source)


def test_the_region_is_cut_out_of_image_and_mask(tmp_path):
    region = ultrasound_region(0.01, 0.01)
    region.RegionLocationMinX0, region.RegionLocationMinY0 = 10, 4
    region.RegionLocationMaxX1, region.RegionLocationMaxY1 = 49, 33
    write_image(tmp_path / "src", "a", 0, lesion(), SequenceOfUltrasoundRegions=[region])
    (sample,) = find_dicom(tmp_path / "src", SALT, crop_region=True).samples
    # The last pixel of the region belongs to it.
    np.testing.assert_array_equal(sample.load_image(sample, None), picture(0)[4:34, 10:50])
    np.testing.assert_array_equal(sample.load_masks(sample)[0][0], lesion()[4:34, 10:50])
    write_image(tmp_path / "src", "b", 1, lesion())
    write_image(tmp_path / "src", "c", 2, lesion(), SequenceOfUltrasoundRegions=[region, region])
    found = find_dicom(tmp_path / "src", SALT, crop_region=True)
    assert len(found.samples) == 1
    assert "b.dcm: has 0 2-D tissue regions" in found.bad[0]
    assert "c.dcm: has 2 2-D tissue regions" in found.bad[1]


def write_two_labels(folder) -> None:
    """A segmentation of a gland and, inside of it, a nodule."""
    path = write_image(folder, "a", 0, lesion(5, 5, 30))
    first = pydicom.dcmread(folder / "a_seg.dcm")
    first.SegmentSequence[0].SegmentLabel = "gland"
    first.save_as(folder / "a_seg.dcm")
    write_segmentation(path, [lesion(10, 12, 6)], folder / "b_seg.dcm")
    second = pydicom.dcmread(folder / "b_seg.dcm")
    second.SegmentSequence[0].SegmentLabel = "Nodule"
    second.save_as(folder / "b_seg.dcm")


def test_labels_are_chosen_and_never_united_in_silence(tmp_path):
    write_two_labels(tmp_path)
    with pytest.raises(UserError, match=r"2 classes: Nodule \(1\), gland \(1\); .*--classes"):
        find_dicom(tmp_path, SALT)
    (sample,) = find_dicom(tmp_path, SALT, classes=["Nodule"]).samples
    masks, category = sample.load_masks(sample)
    np.testing.assert_array_equal(masks[0], lesion(10, 12, 6))
    assert category is None
    (sample,) = find_dicom(tmp_path, SALT, classes=["Nodule", "gland"]).samples
    masks, category = sample.load_masks(sample)
    np.testing.assert_array_equal(masks[0], lesion(5, 5, 30))
    assert category == "gland"


def test_mask_files_by_a_template(tmp_path):
    for number in range(2):
        write_image(tmp_path / "p", f"im{number}", number)
    (tmp_path / "p" / "masks").mkdir()
    cv2.imwrite(str(tmp_path / "p" / "masks" / "im1.png"), lesion() * 255)
    found = find_dicom(tmp_path, SALT, masks="{folder}/masks/{name}.png")
    (sample,) = found.samples
    assert sample.mask_paths == (tmp_path / "p" / "masks" / "im1.png",)
    np.testing.assert_array_equal(sample.load_masks(sample)[0][0], lesion())
    assert found.left_out == [f"{tmp_path / 'p' / 'im0.dcm'}: an image without a mask"]
    with pytest.raises(MissingFileError, match=r"that of .*im0\.dcm would be .*im0_seg\.png"):
        find_dicom(tmp_path, SALT, masks="{folder}/{name}_seg.png")
    with pytest.raises(UserError, match=r"unknown part \{patient\}; the parts are \{folder\}, \{name\}, \{uid\}"):
        find_dicom(tmp_path, SALT, masks="{patient}.png")


def test_mask_files_of_frames(tmp_path):
    write_image(tmp_path, "loop", 0, pixels=np.stack([picture(seed) for seed in range(3)]))
    cv2.imwrite(str(tmp_path / "loop_2.png"), lesion() * 2 + lesion(30, 30, 5))
    template = "{name}_{number}.png"
    (sample,) = find_dicom(tmp_path, SALT, masks=template, classes=["2"]).samples
    assert sample.frame == 1
    np.testing.assert_array_equal(sample.load_masks(sample)[0][0], lesion())
    (sample,) = find_dicom(tmp_path, SALT, masks=template).samples
    with pytest.raises(UserError, match="don't tell lesion from background"):
        sample.load_masks(sample)
    pages = [Image.fromarray(lesion(top) * 255) for top in (1, 2, 3)]
    pages[0].save(tmp_path / "loop.tif", save_all=True, append_images=pages[1:])
    samples = find_dicom(tmp_path, SALT, masks="{name}.tif").samples
    np.testing.assert_array_equal(samples[2].load_masks(samples[2])[0][0], lesion(3))
    pages[0].save(tmp_path / "short.tif")
    write_image(tmp_path, "short", 9, pixels=np.stack([picture(seed) for seed in range(5, 8)]))
    assert "short.tif: has 1 frames, but its image has 3" in find_dicom(tmp_path, SALT, masks="{name}.tif").bad[0]


def test_what_is_no_image_is_named(tmp_path):
    write_image(tmp_path, "a", 0, lesion())
    (tmp_path / "notes.txt").write_text("read me")
    (tmp_path / "empty.dcm").write_bytes(b"")
    copy = (tmp_path / "a.dcm").read_bytes()
    found = find_dicom(tmp_path, SALT)
    assert found.left_out == [f"{tmp_path / 'notes.txt'}: not a DICOM file"]
    assert found.bad == [f"{tmp_path / 'empty.dcm'}: is no DICOM file, whatever its name says"]
    (tmp_path / "copy.dcm").write_bytes(copy)
    with pytest.raises(UserError, match=r"a\.dcm and .*copy\.dcm are one DICOM instance"):
        find_dicom(tmp_path, SALT)


def test_one_patient_id_for_all_is_asked_about(tmp_path):
    for number in range(3):
        write_image(tmp_path, f"a{number}", number, lesion(), PatientID="ANON")
    with pytest.raises(UserError, match=r"all 3 studies have one PatientID.*--patient-from study"):
        find_dicom(tmp_path, SALT)
    samples = find_dicom(tmp_path, SALT, patient_from="study").samples
    assert len({sample.patient for sample in samples}) == 3
    # Without a number the study is the patient.
    for number in range(3):
        write_image(tmp_path, f"a{number}", number, lesion(), PatientID="")
    assert len({sample.patient for sample in find_dicom(tmp_path, SALT).samples}) == 3


def test_without_pydicom_the_extra_is_named(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "pydicom", None)
    assert main(["convert", "dicom", str(tmp_path), str(tmp_path / "dst"), "--salt", "long enough"]) == 2
    error = capsys.readouterr().err
    assert "pip install 'ultraref[dicom]'" in error
    assert error.count("\n") == 1


def test_another_salt_gives_other_names(tmp_path):
    write_image(tmp_path, "a", 0, lesion())
    names = {find_dicom(tmp_path, Pseudonyms(salt)).samples[0].name for salt in ("salt one", "salt two", "salt one")}
    assert len(names) == 2
    with pytest.raises(UserError, match="at least 8"):
        Pseudonyms("short")


def write_clinic(src) -> list[bytes]:
    """Six patients whose names are in headers and in file names, a loop, a bad file and a stray one; returns what must not get out."""
    secrets = []
    for number in range(6):
        identity = dict(PatientID=f"MRN47{number}1", PatientName=f"Muster{number}^Erika", StudyDate=f"2024022{number}")
        folder = src / f"Muster{number}_Erika_2024022{number}"
        pixels = None if number else np.stack([picture(50 + seed) for seed in range(3)])
        masks = lesion() if number else np.stack([lesion()] * 3)
        path = write_image(folder, f"MRN47{number}1", number, masks, pixels, BurnedInAnnotation="NO", **identity)
        header = pydicom.dcmread(path)
        secrets += [*identity.values(), header.SOPInstanceUID, header.StudyInstanceUID, header.SeriesInstanceUID]
    write_image(src / "Muster7_Erika", "no_mask", 9, PatientID="MRN4771")
    write_image(src / "Muster8_Erika", "broken", 9, lesion(), PhotometricInterpretation="CMYK", PatientID="MRN4781")
    (src / "Muster7_Erika" / "letter of Muster7.txt").write_text("Dear Mrs Muster7")
    secrets += ["Muster", "Erika", "MRN47", *PATIENT.values()]
    return [str(secret).encode() for secret in secrets]


def test_nobodys_identity_is_written(tmp_path, capsys):
    secrets = write_clinic(tmp_path / "src")
    dst = tmp_path / "data" / "clinic"
    assert main(["convert", "dicom", str(tmp_path / "src"), str(dst), "--skip-bad", "--test-percent", "30"]) == 1
    printed = capsys.readouterr().out
    assert not [secret for secret in secrets if secret.decode() in printed]
    written = [path for path in dst.rglob("*") if path.is_file()]
    assert len(written) >= 2 * 8 + 3
    for path in written:
        content = path.read_bytes().lower() + str(path.relative_to(dst)).lower().encode()
        assert not [secret for secret in secrets if secret.lower() in content], path
    report = json.loads((dst / "report.json").read_text())
    assert len(report["bad"]) == 1
    assert report["bad"][0].startswith("file ")
    assert "BurnedInAnnotation says: no: 8" in "\n".join(report["notes"])
    # Salt and table lie beside, for the owner alone; a second conversion gives the same names.
    salt, sources = (dst.with_name(f"clinic{suffix}") for suffix in (".salt", ".sources.csv"))
    assert stat.S_IMODE(salt.stat().st_mode) == stat.S_IMODE(sources.stat().st_mode) == 0o600
    with open(sources, newline="") as file:
        table = {row["name"]: row for row in csv.DictReader(file)}
    splits = Splits.read(dst)
    assert table.keys() == splits.images.keys()
    loop = [name for name, row in table.items() if row["file"] == "Muster0_Erika_20240220/MRN4701.dcm"]
    assert [table[name]["frame"] for name in sorted(loop)] == ["0", "1", "2"]
    # A loop is in one part.
    assert len({(splits.images[name].split, splits.images[name].fold) for name in loop}) == 1
    before = splits.hash
    assert main(["convert", "dicom", str(tmp_path / "src"), str(dst), "--skip-bad", "--test-percent", "30"]) == 1
    assert Splits.read(dst).hash == before


def test_a_bad_file_is_named_in_full_on_the_screen(tmp_path):
    write_clinic(tmp_path / "src")
    found = find_dicom(tmp_path / "src", SALT)
    with pytest.raises(UserError, match=r"1 defects.*\n.*Muster8_Erika/broken\.dcm: photometric interpretation 'CMYK'"):
        convert(found, tmp_path / "dst", "clinic")
