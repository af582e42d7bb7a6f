"""Any folder, by glob and name pattern."""

import pytest

from ultraref.datasets.converters import find_folder


def test_two_folders_of_the_same_names(archive):
    for n in range(3):
        archive.image(f"images/{n}.JPG")
        archive.mask(f"masks/{n}.png")
    archive.image("images/alone.png")
    archive.mask("masks/orphan.png")
    found = find_folder(archive.root)
    assert [s.name for s in found.samples] == ["0000", "0001", "0002"]
    assert [message.rsplit("/", 1)[1] for message in found.left_out] == [
        "alone.png: an image without a mask",
        "orphan.png: a mask without an image",
    ]


def test_images_and_masks_side_by_side_with_patients_and_classes(archive):
    for patient in ("P1", "P2"):
        for view in (1, 2):
            stem = f"Benign/{patient}_view{view} [a]"
            archive.image(f"{stem}.png")
            archive.mask(f"{stem}_MASK.png")
            archive.mask(f"{stem}_mask_1.png")
    found = find_folder(
        archive.root, "*/*.png", "*/*_[mM]*.png", "{name}_mask*", patient=r"/(p\d+)_", category="(benign|malignant)"
    )
    assert [(s.name, s.patient, s.category, len(s.mask_paths)) for s in found.samples] == [
        (f"p{p:04d}_view{v:04d}_a", f"p{p}", "benign", 2) for p in (1, 2) for v in (1, 2)
    ]
    assert not found.left_out + found.bad


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


def test_bad_patterns_are_refused(archive):
    archive.image("images/1.png")
    archive.image("images/10.png")
    archive.mask("masks/10.png")
    for options, message in (
        ({"mask_name": "mask"}, "holds {name}"),
        ({"patient": r"\d+"}, "the patient has a group"),
        ({"mask_name": "{name}*"}, r"masks/10\.png: fits 2 images"),
    ):
        with pytest.raises(ValueError, match=message):
            find_folder(archive.root, **options)
    with pytest.raises(FileNotFoundError, match=r"finds 2 images, 'GT/\*' 0 masks"):
        find_folder(archive.root, masks="GT/*")
    with pytest.raises(FileNotFoundError, match="no such folder"):
        find_folder(archive.root / "nowhere")
