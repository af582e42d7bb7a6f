"""Published files are known by content or name, and refuse a SAM that scales its images in another way."""

import hashlib
from dataclasses import replace

import pytest
import torch

from ultraref.models.sam import PUBLISHED, find_published, published
from ultraref.models.sam.image_encoders import SCALES
from ultraref.models.sam.published import LITE_MEDSAM, MEDSAM_VIT_B, SAM_VIT_B


@pytest.fixture
def save(build_sam, tmp_path):
    """Writes the weights of a small SAM under a name."""

    def write(name):
        torch.save(build_sam().state_dict(), tmp_path / name)
        return tmp_path / name

    return write


def test_records_are_whole():
    assert {record.file_name for record in PUBLISHED} == {
        "sam_vit_b_01ec64.pth",
        "sam_vit_l_0b3195.pth",
        "sam_vit_h_4b8939.pth",
        "medsam_vit_b.pth",
        "lite_medsam.pth",
    }
    for record in PUBLISHED:
        assert record.scale in SCALES
        assert len(record.sha256) == 64
        assert len({other.sha256 for other in PUBLISHED}) == len(PUBLISHED)


@pytest.mark.parametrize(
    ("name", "record"),
    [
        ("sam_vit_b_01ec64.pth", SAM_VIT_B),
        ("medsam_vit_b.pth", MEDSAM_VIT_B),
        ("MedSAM_fine_tuned.pth", MEDSAM_VIT_B),
        ("my_lite_medsam_2.pth", LITE_MEDSAM),
        ("sam.pth", None),
    ],
)
def test_files_are_known_by_name(tmp_path, name, record):
    (tmp_path / name).write_bytes(b"weights")
    assert find_published(tmp_path / name) == record


def test_content_goes_before_the_name(tmp_path, monkeypatch):
    path = tmp_path / "sam_vit_b_01ec64.pth"
    path.write_bytes(b"renamed")
    record = replace(MEDSAM_VIT_B, size=7, sha256=hashlib.sha256(b"renamed").hexdigest())
    monkeypatch.setattr(published, "PUBLISHED", (SAM_VIT_B, record))
    assert find_published(path) == record
    path.write_bytes(b"another")  # as long, but not the same
    assert find_published(path) == SAM_VIT_B


def test_medsam_file_with_imagenet_scale_is_refused(build_sam, save):
    path = save("medsam_vit_b.pth")
    with pytest.raises(ValueError) as error:
        build_sam(checkpoint=path)
    assert str(error.value) == (
        f"{path} holds weights of MedSAM, whose images are scaled 'minmax', but this SAM scales them 'imagenet'. Set "
        "image_encoder.scale='minmax' in the SAM's config"
    )
    build_sam(checkpoint=path, image_encoder={"scale": "minmax"})


def test_sam_file_with_minmax_scale_is_refused(build_sam, save):
    path = save("sam_vit_b_01ec64.pth")
    with pytest.raises(
        ValueError, match=r"SAM ViT-B, whose images are scaled 'imagenet'.*image_encoder.scale='imagenet'"
    ):
        build_sam(checkpoint=path, image_encoder={"scale": "minmax"})
    build_sam(checkpoint=path)


def test_any_other_file_goes_with_any_scale(build_sam, save):
    for scale in SCALES:
        build_sam(checkpoint=save("own.pth"), image_encoder={"scale": scale})


def test_what_can_be_downloaded_is_a_file(tmp_path):
    assert [record.name for record in PUBLISHED if not record.is_direct] == ["LiteMedSAM"]
