"""Which coarse mask belongs to which image."""

import pytest

from ultraref.apis.inference.coarse_masks import CoarseMasks
from ultraref.errors import MissingFileError, UserError


def masks(folder, *names) -> CoarseMasks:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    return CoarseMasks(folder)


@pytest.mark.parametrize(
    ("mask", "image"),
    [
        ("case.png", "case"),
        ("case.npz", "case_0000"),  # nnU-Net
        ("case_mask.png", "case"),  # BUSI
        ("p1/case_seg.nii.gz", "p1/case"),
        ("case_pred.npy", "elsewhere/case"),
        ("case_0000.png", "case_0000"),
    ],
)
def test_rules(tmp_path, mask, image):
    assert masks(tmp_path, mask).find(image) == tmp_path / mask


def test_the_own_folder_comes_first(tmp_path):
    found = masks(tmp_path, "p1/a.png", "p2/a.png")
    assert found.find("p2/a") == tmp_path / "p2/a.png"
    with pytest.raises(UserError, match="could both be its coarse mask"):
        found.find("p3/a")


def test_what_is_not_matched_is_told(tmp_path):
    found = masks(tmp_path, "a.png", "b.png")
    with pytest.raises(UserError, match="c: no coarse mask"):
        found.find("c")
    found.find("a")
    assert found.unused() == [tmp_path / "b.png"]


def test_masks_of_an_image_that_cannot_be_read_are_its_own(tmp_path):
    names = ("p1/a.png", "p2/a.png", "b_mask.png", "cine_f0000.png", "cine_f0010.png", "cine2_f0000.png", "c.png")
    found = masks(tmp_path, *names)
    for name in ("p1/a", "b_0000", "elsewhere/cine", "no mask"):
        found.claim(name)
    assert found.unused() == [tmp_path / name for name in ("c.png", "cine2_f0000.png", "p2/a.png")]


def test_two_masks_of_one_image_are_refused(tmp_path):
    with pytest.raises(UserError, match="both are the coarse mask of an image a"):
        masks(tmp_path, "a.png", "a_mask.npy")


def test_a_missing_and_an_empty_folder(tmp_path):
    with pytest.raises(MissingFileError, match="no such folder"):
        CoarseMasks(tmp_path / "none")
    with pytest.raises(UserError, match="holds no coarse mask"):
        CoarseMasks(tmp_path)


def test_names_are_read_as_those_of_images(tmp_path):
    assert masks(tmp_path, "x+1_mask.png").find("x_1") == tmp_path / "x+1_mask.png"
