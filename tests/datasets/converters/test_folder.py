"""Any folder, by templates of paths."""

import shutil
import unicodedata

import pytest

from ultraref.datasets.converters import LesionChoice, find_folder
from ultraref.errors import MissingFileError, UserError


def test_two_folders_of_the_same_names(archive):
    for n in range(3):
        archive.image(f"images/{n}.JPG")
        archive.mask(f"masks/{n}.png")
    archive.image("images/alone.png")
    archive.mask("masks/orphan.png")
    found = find_folder(archive.root)
    assert [s.name for s in found.samples] == ["0000", "0001", "0002"]
    assert found.left_out == [
        f"{archive.root}/images/alone.png: an image without a mask masks/alone.*",
        f"{archive.root}/masks/orphan.png: a mask without an image",
    ]


def test_equal_frame_names_of_patients_do_not_clash(archive):
    for patient in ("P7", "p12"):
        for frame in (1, 2):
            archive.image(f"{patient}/img/{frame}.png")
            archive.mask(f"{patient}/seg/{frame}.png")
            archive.text(f"{patient}/seg/{frame}.txt", "0.5 0.5")
        archive.text(f"{patient}/seg/Thumbs.db", "thumbnails")
        archive.text(f"{patient}/seg/1.json", "{}")
    found = find_folder(archive.root, "{patient}/img/{frame}.png", "{patient}/seg/{frame}.png")
    assert [(s.name, s.patient, s.frame) for s in found.samples] == [
        (f"p{p:04d}_{frame:04d}", f"p{p}", frame) for p in (7, 12) for frame in (1, 2)
    ]
    assert not found.bad
    # Thumbs.db and the others don't fit the template of .png, so that they aren't even strays.
    assert not found.left_out
    loose = find_folder(archive.root, "{patient}/img/{frame}.png", "{patient}/seg/{frame}*")
    assert [len(sample.mask_paths) for sample in loose.samples] == [1, 1, 1, 1]
    assert {message.rsplit("/", 1)[1] for message in loose.left_out} == {
        f"{name}: not an image" for name in ("1.txt", "2.txt", "1.json", "Thumbs.db")
    }


def test_names_with_different_prefixes(archive):
    for n in (1, 10):
        archive.image(f"Test_Image_{n}.png")
        archive.mask(f"mask_{n}.png")
    found = find_folder(archive.root, "test_image_{n}.png", "mask_{n}.png")
    assert [(s.name, s.mask_paths[0].name, s.attributes) for s in found.samples] == [
        ("0001", "mask_1.png", {"n": "1"}),
        ("0010", "mask_10.png", {"n": "10"}),
    ]


def test_images_and_masks_side_by_side_with_patients_and_classes(archive):
    for patient in ("P1", "P2"):
        for view in (1, 2):
            stem = f"Benign/{patient}_view{view} [a]"
            archive.image(f"{stem}.png")
            archive.mask(f"{stem}_MASK.png")
            archive.mask(f"{stem}_mask_1.png")
    found = find_folder(
        archive.root, "{class:benign|malignant}/{patient:p[0-9]+}_{view}.png", "{class}/{patient}_{view}_mask*.png"
    )
    assert [(s.name, s.patient, s.category, len(s.mask_paths)) for s in found.samples] == [
        (f"benign_p{p:04d}_view{v:04d}_a", f"p{p}", "benign", 2) for p in (1, 2) for v in (1, 2)
    ]
    assert not found.left_out + found.bad


def test_parts_fill_their_fields(archive):
    archive.image("Anna/s1/L/v2/frame_030.png")
    archive.mask("Anna/s1/L/v2/mask_030_b.png")
    (sample,) = find_folder(
        archive.root,
        "{patient}/{study}/{side}/{video}/frame_{frame}.png",
        "{patient}/{study}/{side}/{video}/mask_{frame}_{reader}.png",
    ).samples
    assert (sample.patient, sample.study, sample.side, sample.video, sample.frame) == (
        "anna",
        "anna/s1",
        "left",
        "anna/s1/v2",
        30,
    )
    assert sample.attributes == {"reader": "b"}


def test_masks_of_several_classes_in_folders_of_their_own_need_a_choice(archive):
    for n in range(3):
        archive.image(f"img/{n}.png")
        archive.mask(f"seg/nodule/{n}.png")
        archive.mask(f"seg/gland/{n}.png")
    templates = ("img/{n}.png", "seg/{class}/{n}.png")
    with pytest.raises(UserError, match=r"holds 2 classes: gland \(3\), nodule \(3\).*--classes"):
        find_folder(archive.root, *templates)
    found = find_folder(archive.root, *templates, LesionChoice(["nodule"]))
    assert [(s.category, [p.parent.name for p in s.mask_paths]) for s in found.samples] == [("nodule", ["nodule"])] * 3


def test_a_decomposed_name_is_the_composed_one(archive):
    archive.image("images/" + unicodedata.normalize("NFC", "Läsion.png"))
    archive.mask("masks/" + unicodedata.normalize("NFD", "Läsion.png"))
    (sample,) = find_folder(archive.root).samples
    assert sample.mask_paths[0].is_file()


def test_folders_that_are_links_are_followed_once(archive, tmp_path):
    archive.image("images/1.png")
    archive.mask("masks/1.png")
    elsewhere = tmp_path / "elsewhere"
    shutil.move(archive.root / "images", elsewhere)
    (archive.root / "images").symlink_to(elsewhere, target_is_directory=True)
    (elsewhere / "loop").symlink_to(archive.root, target_is_directory=True)
    assert len(find_folder(archive.root).samples) == 1


def test_defects(archive):
    archive.image("images/a.png")
    archive.mask("masks/a.png")
    archive.mask("masks/a.bmp")
    archive.image("images/b 1.png")
    archive.mask("masks/b 1.png")
    archive.image("images/b_1.png")
    archive.mask("masks/b_1.png")
    found = find_folder(archive.root)
    assert not found.samples
    assert "a.png: has 2 masks" in found.bad[0]
    assert "get the same name 'b_0001'" in found.bad[1]


@pytest.mark.parametrize(
    ("images", "masks", "message"),
    [
        ("{n}.png", "mask.png", "have no named part in common"),
        ("images/{n}.png", "images/{n}.png", "are both 'images/{n}.png'"),
        ("images/{n}.png", "masks/{n:*}.png", "isn't regular"),
        ("images/{n.png", "masks/{n}.png", "--images 'images/{n.png': is no template"),
        ("../{n}.png", "masks/{n}.png", r"without \.\."),
        ("images/{n}.png", "masks/{n}*.png", r"masks/10\.png: fits 2 images by --masks 'masks/{n}\*\.png'"),
    ],
)
def test_bad_templates_are_refused(archive, images, masks, message):
    archive.image("images/1.png")
    archive.image("images/10.png")
    archive.mask("masks/10.png")
    with pytest.raises(UserError, match=message) as caught:
        find_folder(archive.root, images, masks)
    assert "\n" not in str(caught.value)


def test_what_was_looked_for_is_said_with_the_nearest_names(archive):
    archive.image("images/case_1.png")
    archive.mask("labels/case_01.png")
    with pytest.raises(MissingFileError, match=r"fits --masks 'masks/\{name\}\.\*'; nearest: .*labels/case_01\.png"):
        find_folder(archive.root)
    with pytest.raises(
        MissingFileError,
        match=r"1 images and 1 masks fit .*for images/case_1\.png 'labels/case_1\.png' was looked for.*labels/case_01\.png",
    ):
        find_folder(archive.root, "images/{n}.png", "labels/{n}.png")
    archive.image("images/case_2.png")
    archive.mask("labels/case_2.png")
    found = find_folder(archive.root, "images/{n}.png", "labels/{n}.png")
    assert "case_1.png: an image without a mask labels/case_1.png (nearest: labels/case_01.png)" in found.left_out[0]
    with pytest.raises(MissingFileError, match="no such folder"):
        find_folder(archive.root / "nowhere")
