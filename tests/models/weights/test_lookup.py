"""Published files are known by content, else by name; what goes by a name alone isn't vouched for."""

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest
from torch import nn

from ultraref import provenance
from ultraref.models.sam.image_encoders import SCALES
from ultraref.models.weights import FITS, PROFILES, PROMPTS, Seen, find_profile, lookup, note_weights, weights_folder
from ultraref.models.weights.markdown import files_table, seen_table
from ultraref.models.weights.medsam import LITE_MEDSAM, MEDSAM_V01, MEDSAM_VIT_B
from ultraref.models.weights.sam import SAM_VIT_B
from ultraref.models.weights.transunet import R50_VIT_B_16


def test_records_are_whole():
    for profile in PROFILES:
        # A content is looked for by its size first.
        assert (profile.size is None) == (profile.sha256 is None)
        assert profile.sha256 is None or len(profile.sha256) == 64
        assert (profile.encoder is None) == bool(profile.no_encoder)
        assert profile.encoder in (None, "SAMViT", "TinyViT", "R50ViTEncoder", "TimmEncoder")
        assert all(url.startswith("https://") for url in (*profile.urls, profile.page))
        assert profile.licence
        assert profile.citation
        for seen in profile.seen.values():
            assert seen.evidence
            assert len(seen.date) == 10
        if profile.encoder in ("SAMViT", "TinyViT"):
            assert profile.scale in SCALES
            assert profile.fit in FITS
            assert profile.candidates in (1, 3)
            assert set(profile.prompts) <= set(PROMPTS)
    for names in ([p.name for p in PROFILES], [p.file_name for p in PROFILES]):
        assert len(set(names)) == len(PROFILES)


def test_what_the_authors_say():
    """Issues 90 and 239 of bowang-lab/MedSAM: boxes only. v0.1 took SAM's preprocessing, v1 min-max scaling."""
    for profile in (MEDSAM_V01, MEDSAM_VIT_B, LITE_MEDSAM):
        assert (profile.prompts, profile.candidates) == (("box",), 1)
        assert profile.seen["busi"].state in ("seen", "presumed")
    assert (MEDSAM_V01.scale, MEDSAM_VIT_B.scale, LITE_MEDSAM.scale) == ("imagenet", "minmax", "minmax")
    assert (SAM_VIT_B.prompts, SAM_VIT_B.candidates) == (("points", "box", "mask"), 3)


@pytest.mark.parametrize(
    ("name", "like"),
    [
        ("sam_vit_b_01ec64.pth", SAM_VIT_B),
        ("medsam_vit_b.pth", MEDSAM_VIT_B),
        ("MedSAM_fine_tuned.pth", MEDSAM_VIT_B),
        ("my_lite_medsam_2.pth", LITE_MEDSAM),
    ],
)
def test_a_name_tells_how_to_use_a_file_but_not_what_it_has_not_seen(tmp_path, name, like):
    (tmp_path / name).write_bytes(b"weights")
    found = find_profile(tmp_path / name)
    assert (found.scale, found.prompts, found.arch) == (like.scale, like.prompts, like.arch)
    assert (found.name, found.sha256, found.is_fetchable) == (name, None, False)
    assert set(found.seen) == {k for k, seen in like.seen.items() if seen.state in ("seen", "presumed")}


def test_other_files_are_unknown(tmp_path):
    path = tmp_path / "sam.pth"
    path.write_bytes(b"weights")
    assert find_profile(path) is None
    part = nn.Linear(1, 1)
    note_weights(part, path)
    assert provenance.collect_weights(part)["sam.pth"]["seen"] == {}


def test_a_file_whose_hash_nobody_states_goes_by_its_name(tmp_path):
    path = tmp_path / "R50+ViT-B_16.npz"
    path.write_bytes(b"weights")
    assert find_profile(path) is R50_VIT_B_16
    part = nn.Linear(1, 1)
    note_weights(part, path)
    assert provenance.collect_weights(part) == {"r50_vit_b_16": R50_VIT_B_16.to_plain()}


def test_content_goes_before_the_name(tmp_path, monkeypatch):
    path = tmp_path / "sam_vit_b_01ec64.pth"
    path.write_bytes(b"renamed")
    profile = replace(MEDSAM_VIT_B, size=7, sha256=hashlib.sha256(b"renamed").hexdigest())
    monkeypatch.setattr(lookup, "PROFILES", (SAM_VIT_B, profile))
    assert find_profile(path) is profile
    path.write_bytes(b"another")  # as long, but not the same
    assert find_profile(path).scale == "imagenet"


def test_the_folder_is_that_of_the_environment(monkeypatch):
    monkeypatch.setenv("ULTRAREF_WEIGHTS", "/data/weights")
    assert str(weights_folder()) == "/data/weights"
    monkeypatch.delenv("ULTRAREF_WEIGHTS")
    assert str(weights_folder()) == "weights"


def test_a_state_is_one_of_four():
    with pytest.raises(ValueError, match="'maybe'; it must be one of seen, presumed, unseen, unknown"):
        Seen("maybe", "", "")


def test_the_page_has_the_tables():
    page = (Path(__file__).parents[3] / "docs/reference/weights.md").read_text(encoding="utf-8")
    for table in (files_table(), seen_table()):
        assert table in page, (
            "python -m ultraref.models.weights.markdown prints the tables of docs/reference/weights.md"
        )
