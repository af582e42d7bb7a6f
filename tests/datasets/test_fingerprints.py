"""What a checkpoint carries of its training images comes back as it was, and damage is seen."""

import base64
import json

import numpy as np
import pytest

from ultraref.datasets import ConcatLesionDataset, LesionDataset
from ultraref.datasets.fingerprints import Fingerprints, fingerprints_of, read_seen_images, seen_images
from ultraref.datasets.image_io import read_image
from ultraref.datasets.likeness.perceptual_hash import perceptual_hash


def some(dataset="busi", names=("a", "b"), splits="s", files=("x/", ".png"), seed=0):
    return Fingerprints(dataset, splits, files, names, np.random.default_rng(seed).random((len(names), 256)) < 0.5)


def test_a_data_set_s_hashes_names_and_place(phantom_root):
    dataset = LesionDataset(str(phantom_root), split="val", fold=1)
    (own,) = fingerprints_of(dataset)
    assert (own.dataset, own.splits, list(own.names)) == ("phantoms", dataset.splits.hash, dataset.names)
    path = own.path(own.names[0])
    assert path == phantom_root / "train" / "images" / f"{own.names[0]}.png"
    np.testing.assert_array_equal(own.hashes[0], perceptual_hash(read_image(path)))
    assert own.path("nowhere") is None


def test_every_part_of_a_concatenated_data_set(phantom_root):
    parts = [dict(data_root=str(phantom_root), fold=fold) for fold in (0, 1)]
    both = fingerprints_of(ConcatLesionDataset(parts, split="val"))
    assert [len(each.names) for each in both] == [
        len(LesionDataset(str(phantom_root), split="val", fold=f).names) for f in (0, 1)
    ]
    assert fingerprints_of(object()) == []


def test_as_json_and_back():
    content = json.loads(json.dumps(seen_images([some(), some("other", ("c",), None, None, 1)])))
    assert content["version"] == 1
    assert set(content["sets"][0]) == {"set", "splits", "files", "names", "hashes"}
    # 32 bytes an image.
    assert len(base64.b64decode(content["sets"][0]["hashes"])) == 2 * 32
    first, second = read_seen_images(content)
    np.testing.assert_array_equal(first.hashes, some().hashes)
    np.testing.assert_array_equal(second.hashes, some("other", ("c",), None, None, 1).hashes)
    assert (second.dataset, second.splits, second.files, second.names) == ("other", None, None, ["c"])


def test_bits_are_in_the_order_that_the_format_says():
    hashes = np.zeros((1, 256), bool)
    hashes[0, 0] = hashes[0, 15] = True
    entry = Fingerprints("a", None, None, ["x"], hashes).to_plain()
    assert base64.b64decode(entry["hashes"])[:3] == bytes([0b10000000, 0b00000001, 0])


def test_parts_of_one_set_are_united():
    (entry,) = seen_images([some(names=("b", "a")), some(names=("a", "c"), seed=1)])["sets"]
    assert entry["names"] == ["a", "b", "c"]
    assert len(seen_images([some(), some(splits="t")])["sets"]) == 2
    assert seen_images([])["sets"] == []


@pytest.mark.parametrize(
    "change",
    [
        dict(hashes="AAAA"),
        dict(hashes="not base64!"),
        dict(hashes=None),
        dict(names=None),
        dict(files=["x"]),
    ],
)
def test_damage_is_seen(change):
    content = seen_images([some()])
    content["sets"][0].update(change)
    with pytest.raises(ValueError, match=r"seen_images|bytes of hashes"):
        read_seen_images(content)


@pytest.mark.parametrize("content", [{}, {"version": 2, "sets": []}, {"version": 1}, [], None])
def test_another_version_is_refused(content):
    with pytest.raises(ValueError, match="version 1"):
        read_seen_images(content)
