"""The exclusion manifest, and the data set that takes it."""

import json

import pytest

from ultraref.datasets import LesionDataset, Splits
from ultraref.datasets.exclusions import Exclusions


@pytest.fixture
def manifest(phantom_root, tmp_path):
    """Excludes one training and one test image; returns the path and the two names."""
    splits = Splits.read(phantom_root)
    names = [splits.select("val", 1)[0], splits.select("test")[0]]
    exclusions = Exclusions({"phantoms": splits.hash, "other": "x"}, {"phantoms": dict.fromkeys(names, "because")})
    path = tmp_path / "exclude.json"
    path.write_text(exclusions.to_json())
    assert Exclusions.read(path).reasons["phantoms"] == dict.fromkeys(names, "because")
    return path, names


def test_every_part_leaves_them_out(phantom_root, manifest):
    path, (training, test) = manifest
    for split, fold, gone in (("train", 0, training), ("val", 1, training), ("test", None, test), ("train", 1, None)):
        everything = LesionDataset(phantom_root, split, fold).names
        dataset = LesionDataset(phantom_root, split, fold, exclude=str(path))
        assert dataset.names == [name for name in everything if name != gone]
        assert (gone in dataset.image_hashes) is False
        assert dataset.metainfo["excluded"] == 2
    assert LesionDataset(phantom_root, "test").metainfo["excluded"] == 0


def test_a_manifest_of_another_split_or_set_is_refused(phantom_root, manifest, tmp_path):
    content = json.loads(manifest[0].read_text())
    content["datasets"]["phantoms"]["splits_hash"] = "0"
    stale = tmp_path / "stale.json"
    stale.write_text(json.dumps(content))
    with pytest.raises(ValueError, match=r"stale\.json.*another split of 'phantoms'"):
        LesionDataset(phantom_root, exclude=str(stale))
    del content["datasets"]["phantoms"]
    stale.write_text(json.dumps(content))
    with pytest.raises(ValueError, match="doesn't cover the set 'phantoms' but other"):
        LesionDataset(phantom_root, exclude=str(stale))


def test_a_damaged_or_missing_manifest_is_named(manifest, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nowhere.*audit_leakage"):
        Exclusions.read(tmp_path / "nowhere")
    path = tmp_path / "bad.json"
    for text, message in (
        (manifest[0].read_text()[:50], "no (whole )?exclusion manifest"),
        ('{"version": 9}', "version 9"),
        ("[]", "no (whole )?exclusion manifest"),
    ):
        path.write_text(text)
        with pytest.raises(ValueError, match=message):
            Exclusions.read(path)
