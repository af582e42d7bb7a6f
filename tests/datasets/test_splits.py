"""splits.json: parts, round trip, and what makes it invalid."""

import dataclasses
import json

import pytest

from ultraref.datasets.splits import ImageEntry, Splits
from ultraref.errors import UserError


def entry(split, fold, **changes):
    fields = {"sha256": "a", "mask_sha256": "b", "category": "benign", "group": "x", "pixels": "c"}
    return ImageEntry(split=split, fold=fold, **{**fields, **changes})


def make_splits(**changes):
    images = {f"i{n}": entry("train", n % 3) for n in range(6)} | {"t0": entry("test", None), "t1": entry("test", None)}
    fields = {"dataset": "toy", "seed": 0, "grouped": True, "grouping": "by hand", "num_folds": 3, "images": images}
    return Splits(**{**fields, **changes})


def write(splits, folder):
    (folder / "splits.json").write_text(splits.to_json())
    return folder


def test_parts():
    splits = make_splits()
    assert splits.select("train") == ["i0", "i1", "i2", "i3", "i4", "i5"]
    assert splits.select("train", 1) == ["i0", "i2", "i3", "i5"]
    assert splits.select("val", 1) == ["i1", "i4"]
    assert splits.select("test") == splits.select("test", 2) == ["t0", "t1"]


def test_what_is_known_of_an_image_and_the_unit_that_it_belongs_to():
    """The patient where the set says it, else the group of near-duplicates, else the image."""
    images = {"a": entry("test", None, patient="p1"), "b": entry("test", None, category=None)}
    splits = make_splits(images=images)
    assert splits.describe("a") == dict(
        pixels_hash="c", group="p1", group_kind="patient", normal=False, attributes={"class": "benign"}
    )
    assert splits.describe("b") == dict(
        pixels_hash="c", group="x", group_kind="duplicate group", normal=False, attributes={}
    )
    plain = make_splits(images=images, grouping="none")
    assert plain.describe("a")["group_kind"] == "patient"
    assert (plain.describe("b")["group_kind"], plain.describe("b")["group"]) == ("image", "b")


@pytest.mark.parametrize(
    ("split", "fold", "message"),
    [
        ("valid", 0, "'valid'.*toy.*'train', 'val' or 'test'"),
        ("val", None, "give fold=0 to 2"),
        ("train", 3, "fold 3.*0 to 2"),
        ("train", "0", "fold '0'.*0 to 2"),
    ],
)
def test_unknown_parts_are_refused(split, fold, message):
    with pytest.raises(ValueError, match=message):
        make_splits().select(split, fold)


def test_round_trip(tmp_path):
    splits = make_splits()
    read = Splits.read(write(splits, tmp_path))
    assert read == splits
    assert read.to_json() == splits.to_json()


def test_names_are_sorted_in_the_file():
    content = json.loads(make_splits(images={"b": entry("test", None), "a": entry("train", 0)}).to_json())
    assert list(content["images"]) == ["a", "b"]


def test_hash_covers_pixels_and_parts_but_not_the_png_encoding():
    splits = make_splits()

    def changed(**changes):
        return make_splits(images={**splits.images, "i0": dataclasses.replace(splits.images["i0"], **changes)}).hash

    assert changed(sha256="z", mask_sha256="z") == splits.hash
    others = [changed(fold=1), changed(pixels="z"), changed(category="malignant"), changed(group="z")]
    others += [make_splits(seed=1).hash, make_splits(grouped=False).hash]
    assert splits.hash not in others
    assert len(set(others)) == len(others)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c["images"]["i0"].update(fold=2), "changed after it was written"),
        (lambda c: c.update(version=7), "version 7"),
        (lambda c: c.pop("hash"), "not a whole splits.json"),
        (lambda c: c["images"]["i0"].pop("class"), "not a whole splits.json"),
        (lambda c: c["images"]["i0"].update(extra=1), "not a whole splits.json"),
    ],
)
def test_a_changed_file_is_refused(tmp_path, change, message):
    content = json.loads(make_splits().to_json())
    change(content)
    (tmp_path / "splits.json").write_text(json.dumps(content))
    with pytest.raises(ValueError, match=f"splits.json.*{message}.*converter again"):
        Splits.read(tmp_path)


def test_a_truncated_or_missing_file_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"splits\.json.*dataset_converters"):
        Splits.read(tmp_path)
    (tmp_path / "splits.json").write_text(make_splits().to_json()[:200])
    with pytest.raises(ValueError, match=r"is no whole splits\.json"):
        Splits.read(tmp_path)


def test_a_root_may_be_below_the_home_folder(tmp_path, monkeypatch):
    (tmp_path / "set, 'odd' \\name").mkdir()
    (tmp_path / "set, 'odd' \\name" / "splits.json").write_text(make_splits().to_json())
    monkeypatch.setenv("HOME", str(tmp_path))
    assert Splits.read("~/set, 'odd' \\name") == make_splits()


@pytest.mark.parametrize("name", ["../out", ".hidden", "a/b", "x+1", ""])
def test_names_that_would_be_files_elsewhere_are_refused(tmp_path, name):
    splits = make_splits()
    entry = next(iter(splits.images.values()))
    (tmp_path / "splits.json").write_text(dataclasses.replace(splits, images={name: entry}).to_json())
    with pytest.raises(UserError, match=r"splits\.json: the image's name .*run the converter again"):
        Splits.read(tmp_path)
    (tmp_path / "splits.json").write_text(dataclasses.replace(splits, dataset=name).to_json())
    with pytest.raises(UserError, match=r"splits\.json: the set's name"):
        Splits.read(tmp_path)
