"""A published split: taken over by another copy of the files, refused by one that differs."""

import json
import shutil

import cv2
import pytest

from ultraref.cli.main import main
from ultraref.datasets import Splits
from ultraref.datasets.converters.split_manifest import SplitManifest
from ultraref.errors import UserError


@pytest.fixture(scope="module")
def published(raw_phantoms, tmp_path_factory):
    """A set that was converted with a seed of its own, and its manifest."""
    folder = tmp_path_factory.mktemp("published")
    arguments = ["--seed", "7", "--name", "phantoms", "--write-manifest", str(folder / "m.json")]
    assert main(["convert", "busi", str(raw_phantoms), str(folder / "data"), *arguments]) == 0
    return folder


def test_another_copy_gets_the_same_split(published, raw_phantoms, tmp_path, capsys):
    arguments = ["convert", "busi", str(raw_phantoms), str(tmp_path / "data"), "--name", "phantoms"]
    assert main([*arguments, "--manifest", str(published / "m.json")]) == 0
    first, second = Splits.read(published / "data"), Splits.read(tmp_path / "data")
    assert first.seed == second.seed == 7
    assert first.hash == second.hash
    manifest = SplitManifest.read(published / "m.json")
    assert f"manifest hash {manifest.hash[:16]}: all {len(first.images)} images" in capsys.readouterr().out
    for name, entry in manifest.images.items():
        assert (entry.split, entry.fold) == (first.images[name].split, first.images[name].fold)
        assert len(entry.sha256) == len(entry.masks[0]) == 64


def test_what_differs_is_listed(published, raw_phantoms, tmp_path, capsys):
    copy = tmp_path / "raw"
    shutil.copytree(raw_phantoms, copy)
    images = sorted(path for path in (copy / "benign").glob("*.png") if "_mask" not in path.name)
    masks = [path.with_name(f"{path.stem}_mask.png") for path in images]
    # The first is gone, the second has another pixel, the third another mask, and a copy of the fourth is new.
    images[0].unlink()
    for path in (images[1], masks[2]):
        picture = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        picture[0, 0] = 255 - picture[0, 0]
        cv2.imwrite(str(path), picture)
    for path, suffix in ((images[3], ""), (masks[3], "_mask")):
        shutil.copy(path, copy / "benign" / f"benign (999){suffix}.png")
    arguments = ["convert", "busi", str(copy), str(tmp_path / "data"), "--manifest", str(published / "m.json")]
    assert main(arguments) == 2
    message = capsys.readouterr().err
    for text in (
        "1 missing here",
        "1 here but not in the manifest: benign_0999",
        "1 whose image file",
        "1 whose mask files",
    ):
        assert text in " ".join(message.split())
    assert not (tmp_path / "data").exists()


def test_a_manifest_that_was_changed_is_refused(published, tmp_path, capsys):
    content = json.loads((published / "m.json").read_text())
    next(iter(content["images"].values()))["fold"] = 4
    (tmp_path / "m.json").write_text(json.dumps(content))
    with pytest.raises(UserError, match="changed after it was written"):
        SplitManifest.read(tmp_path / "m.json")
    (tmp_path / "m.json").write_text(json.dumps({**content, "version": 9}))
    with pytest.raises(UserError, match="version 9"):
        SplitManifest.read(tmp_path / "m.json")
    (tmp_path / "m.json").write_text("[]")
    with pytest.raises(UserError, match="is no manifest of a split: it holds a list"):
        SplitManifest.read(tmp_path / "m.json")
    with pytest.raises(FileNotFoundError, match="--write-manifest"):
        SplitManifest.read(tmp_path / "none.json")
    arguments = ["convert", "busi", str(tmp_path), str(tmp_path / "d"), "--seed", "3", "--manifest", "m.json"]
    (tmp_path / "benign").mkdir()
    for name in ("malignant", "normal"):
        (tmp_path / name).mkdir()
    assert main(arguments) == 2
    assert "--seed would do nothing" in capsys.readouterr().err
