"""Several classes in the mask files of a set."""

import re

import numpy as np
import pytest
from PIL import Image

from ultraref.datasets.converters import LabelNames, LesionChoice, convert, find_folder
from ultraref.datasets.image_io import read_mask
from ultraref.datasets.splits import Splits
from ultraref.errors import UserError

# Of a thyroid set: what is which value, and its colour.
NODULE, GLAND, CAROTID = 1, 2, 3
COLOURS = {0: (0, 0, 0), NODULE: (128, 0, 0), GLAND: (0, 128, 0), CAROTID: (128, 128, 0)}


def labels(n):
    """A label map; nodules are in every second one, and its size differs from image to image."""
    array = np.zeros((48, 60), np.uint8)
    array[5:40, 5:50] = GLAND
    array[2:5, 2:10] = CAROTID
    if n % 2 == 0:
        array[10 : 16 + n, 12:30] = NODULE
    return array


def as_grey(array):
    return Image.fromarray(array)


def as_16_bit(array):
    return Image.fromarray(array.astype(np.uint16) * 1000)


def as_colour(array):
    return Image.fromarray(np.array([COLOURS[value] for value in range(4)], np.uint8)[array])


def as_palette(array):
    picture = Image.fromarray(array, "P")
    picture.putpalette([channel for value in range(4) for channel in COLOURS[value]])
    return picture


@pytest.fixture(params=[as_grey, as_16_bit, as_colour, as_palette])
def kind(request, archive):
    for n in range(6):
        archive.image(f"images/{n}.png")
        request.param(labels(n)).save(archive.path(f"masks/{n}.png"))
    return request.param


def given_names(kind):
    if kind is as_16_bit:
        return LabelNames.parse(["nodule=1000", "gland=2000", "vessel=3000"])
    if kind is as_colour:
        return LabelNames.parse(colours=["nodule=#800000", "gland=0,128,0", "vessel=#808000"])
    return LabelNames.parse(["nodule=1", "gland=2", "vessel=3"])


def test_classes_are_listed_with_counts_and_the_choice_gives_the_exact_masks(kind, archive, tmp_path):
    with pytest.raises(UserError) as caught:
        find_folder(archive.root)
    message = str(caught.value)
    assert "\n" not in message
    assert "holds 3 classes: " in message
    assert "--classes" in message
    assert message.count("(6)") == 2
    assert message.count("(3)") == 1
    found = find_folder(archive.root, choice=LesionChoice(["nodule"], given_names(kind)))
    report = convert(found, tmp_path / "dst", "thyroid", test_percent=0)
    assert "lesion, by masks: nodule (3); background: gland (6), vessel (6)" in str(report)
    assert report.blank == ["0001", "0003", "0005"]
    assert report.classes == {"nodule": 3}
    for name, entry in Splits.read(tmp_path / "dst").images.items():
        np.testing.assert_array_equal(
            read_mask(tmp_path / "dst" / entry.split / "masks" / f"{name}.png"), labels(int(name)) == NODULE
        )


def test_chosen_classes_unite_and_the_largest_is_the_class(kind, archive):
    names = given_names(kind)
    found = find_folder(archive.root, choice=LesionChoice(["nodule", "vessel"], names))
    for n, sample in enumerate(found.samples):
        (mask,), category = sample.load_masks(sample)
        np.testing.assert_array_equal(mask, np.isin(labels(n), [NODULE, CAROTID]))
        assert (category, sample.attributes["lesion_classes"]) == (
            ("nodule", "nodule+vessel") if n % 2 == 0 else ("vessel", "vessel")
        )
    # Names alone choose what they name.
    only = LabelNames({"nodule": names.labels["nodule"]})
    samples = find_folder(archive.root, choice=LesionChoice(names=only)).samples
    np.testing.assert_array_equal(samples[0].load_masks(samples[0])[0][0], labels(0) == NODULE)


def test_labels_are_chosen_without_names(kind, archive):
    label = {as_grey: "1", as_16_bit: "1000", as_colour: "#800000", as_palette: "1"}[kind]
    sample = find_folder(archive.root, choice=LesionChoice([label])).samples[2]
    np.testing.assert_array_equal(sample.load_masks(sample)[0][0], labels(2) == NODULE)
    with pytest.raises(UserError, match=re.escape("has no class 'cyst' (--classes; --class-values")):
        find_folder(archive.root, choice=LesionChoice(["cyst"]))


def test_files_that_each_mark_another_class_are_several_classes(archive):
    for n, value in enumerate((1, 2, 255)):
        archive.image(f"images/{n}.png")
        Image.fromarray((labels(0) == NODULE) * np.uint8(value)).save(archive.path(f"masks/{n}.png"))
    with pytest.raises(UserError, match=r"holds 3 classes: 1 \(1\), 2 \(1\), 255 \(1\)"):
        find_folder(archive.root)


def test_0_1_and_0_255_in_one_set_are_one_lesion(archive):
    for n, value in enumerate((1, 255)):
        archive.image(f"images/{n}.png")
        Image.fromarray((labels(0) == NODULE) * np.uint8(value)).save(archive.path(f"masks/{n}.png"))
    archive.image("images/2.png")
    archive.mask("masks/2.png", colour=(255, 255, 255))
    assert len(find_folder(archive.root).samples) == 3


def test_void_is_no_lesion(archive):
    whole = labels(0)
    archive.image("images/0.png")
    archive.image("images/1.png")
    for n in (0, 1):
        void = np.where(whole == NODULE, 1, np.where(whole == GLAND, 255, 0)).astype(np.uint8)
        Image.fromarray(void).save(archive.path(f"masks/{n}.png"))
    with pytest.raises(UserError, match=r"1 \(2\), 255 \(2\); .*--classes 1 \(255 is void in many sets\)"):
        find_folder(archive.root)
    for sample in find_folder(archive.root, choice=LesionChoice(["1"])).samples:
        np.testing.assert_array_equal(sample.load_masks(sample)[0][0], whole == NODULE)


def test_one_odd_file_is_skipped_on_demand(archive, tmp_path):
    for n in range(10):
        archive.image(f"images/{n}.png")
        archive.mask(f"masks/{n}.png", labels(0) // 2)
    as_colour(labels(0)).save(archive.path("masks/3.png"))
    with pytest.raises(UserError, match="holds 4 classes"):
        find_folder(archive.root)
    found = find_folder(archive.root, choice=LesionChoice(skip_bad=True))
    report = convert(found, tmp_path / "dst", "toy", skip_bad=True)
    assert (report.kept, len(report.bad)) == (9, 1)
    assert "3.png: marks with several colours" in report.bad[0]


def test_inverted_masks_are_asked_about(archive):
    for n in range(3):
        archive.image(f"images/{n}.png")
        archive.mask(f"masks/{n}.png", (labels(0) != NODULE).astype(np.uint8))
    with pytest.raises(
        UserError, match=r"inverted: in 3 of 3 .* median lesion is 96 %.*--inverted-masks yes"
    ) as caught:
        find_folder(archive.root)
    assert "\n" not in str(caught.value)
    for answer, expected in (("yes", labels(0) == NODULE), ("no", labels(0) != NODULE)):
        sample = find_folder(archive.root, choice=LesionChoice(inverted=answer)).samples[0]
        np.testing.assert_array_equal(sample.load_masks(sample)[0][0], expected)
    with pytest.raises(UserError, match="ask, yes, no"):
        LesionChoice(inverted="maybe")
    with pytest.raises(UserError, match="would be wrong"):
        find_folder(archive.root, choice=LesionChoice(["1"], inverted="yes"))


@pytest.mark.parametrize(
    ("values", "colours", "message"),
    [
        (["nodule"], [], "--class-values takes NAME=NUMBER"),
        (["nodule=x"], [], "but got 'nodule=x'"),
        (["=1"], [], "but got '=1'"),
        (["a=1", "b=1,2"], [], "the label 1 is given two names, a and b"),
        ([], ["nodule=red"], "--class-colours takes NAME=#RRGGBB"),
        ([], ["nodule=1,2,300"], "but got 'nodule=1,2,300'"),
    ],
)
def test_names_that_are_refused(values, colours, message):
    with pytest.raises(UserError, match=message):
        LabelNames.parse(values, colours)
