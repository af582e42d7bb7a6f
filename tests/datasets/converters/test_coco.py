"""COCO instances, read and written."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pycocotools import mask as rle
from pycocotools.coco import COCO

from ultraref.datasets import Splits
from ultraref.datasets.coco_segmentation import decode_union, encode_segmentation
from ultraref.datasets.converters import convert, find_coco, to_coco
from ultraref.datasets.converters.to_coco import polygons
from ultraref.datasets.image_io import read_mask
from ultraref.errors import UserError


def write(archive, annotations, names=("a", "b", "c", "d", "e", "f"), relative="annotations.json"):
    for name in names:
        archive.image(f"images/{name}.png")
    content = {
        "images": [
            {"id": n, "file_name": f"{name}.png", "height": 48, "width": 60} for n, name in enumerate(names, start=1)
        ],
        "annotations": [{"id": n, **annotation} for n, annotation in enumerate(annotations)],
        "categories": [{"id": 1, "name": "Benign"}, {"id": 2, "name": "malignant"}],
        "info": {"lesion_classes": ["Benign", "malignant"]},
    }
    archive.text(relative, json.dumps(content))
    return content


def masks_of(found):
    return {s.name: np.maximum.reduce(s.load_masks(s)[0]) for s in found.samples}


def test_polygons_run_lengths_and_crowds(archive, draw_square):
    square = draw_square(10, 12, 14)
    compressed = rle.encode(np.asfortranarray(square))
    flat = square.ravel(order="F")
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flat, [0]])))
    runs = np.diff(np.concatenate([[0], edges, [flat.size]])).tolist()
    # A square from column 12 to 26 and row 10 to 24 in COCO's frame, drawn in two halves.
    halves = [[12, 10, 19, 10, 19, 24, 12, 24], [19, 10, 26, 10, 26, 24, 19, 24]]
    write(
        archive,
        [
            {"image_id": 1, "category_id": 1, "segmentation": halves, "iscrowd": 0},
            {"image_id": 2, "category_id": 2, "segmentation": {"size": [48, 60], "counts": runs}, "iscrowd": 1},
            {
                "image_id": 3,
                "category_id": 1,
                "segmentation": {"size": [48, 60], "counts": compressed["counts"].decode()},
                "iscrowd": 0,
            },
            {"image_id": 4, "category_id": 1, "segmentation": halves[:1], "iscrowd": 0},
            {"image_id": 4, "category_id": 1, "segmentation": halves[1:], "iscrowd": 0},
            {"image_id": 5, "category_id": 1, "segmentation": halves, "iscrowd": 0},
            {"image_id": 5, "category_id": 2, "segmentation": halves, "iscrowd": 0},
            {"image_id": 5, "category_id": 2, "segmentation": halves, "iscrowd": 0},
        ],
    )
    found = find_coco(archive.root)
    assert not found.bad + found.left_out
    masks = masks_of(found)
    for name in "abcde":
        np.testing.assert_array_equal(masks[name], square)
    assert not masks["f"].any()
    assert [s.category for s in found.samples] == ["benign", "malignant", "benign", "benign", "malignant", None]


def test_defects_are_named(archive, tmp_path):
    polygon = {"category_id": 1, "segmentation": [[12, 10, 26, 10, 26, 24, 12, 24]]}
    content = write(archive, [{"image_id": n, **polygon} for n in (1, 2, 3, 4, 5, 77)])
    content["annotations"][1]["segmentation"] = "nonsense"
    content["images"][2]["height"] = 40
    del content["images"][3]["width"]
    archive.text("annotations.json", json.dumps(content))
    (archive.root / "images" / "e.png").unlink()
    found = find_coco(archive.root)
    with pytest.raises(ValueError, match=r"1 images are missing.*--skip-missing:\n.*e\.png: there is no file"):
        convert(found, tmp_path / "dst", "coco")
    with pytest.raises(ValueError, match="4 defects") as error:
        convert(found, tmp_path / "dst", "coco", skip_missing=True)
    for words in (
        "annotation 5: its image '77' is not in the file",
        "b.png, annotation 1: its segmentation is 'nonsense'",
        "c.png: is 48 x 60 (height x width), but the JSON says 40 x 60",
        "d.png: its width is missing",
    ):
        assert words in str(error.value)
    report = convert(found, tmp_path / "dst", "coco", skip_bad=True, skip_missing=True)
    assert (report.kept, len(report.bad), len(report.missing)) == (1, 4, 1)


def test_several_classes_need_a_choice(archive):
    polygon = {"segmentation": [[12, 10, 26, 10, 26, 24, 12, 24]]}
    large = {"segmentation": [[2, 2, 50, 2, 50, 40, 2, 40]]}
    content = write(
        archive,
        [{"image_id": 1, "category_id": 1, **large}, {"image_id": 1, "category_id": 2, **polygon}],
        names=("a", "b"),
    )
    del content["info"]
    archive.text("annotations.json", json.dumps(content))
    with pytest.raises(UserError, match=r"2 classes: Benign \(1\), malignant \(1\).*--classes"):
        find_coco(archive.root)
    found = find_coco(archive.root, classes=["malignant"])
    assert [sample.category for sample in found.samples] == ["malignant", None]
    assert masks_of(found)["a"].sum() == 14 * 14
    assert masks_of(find_coco(archive.root, classes=["malignant", "Benign"]))["a"].sum() == 48 * 38
    with pytest.raises(UserError, match=r"no class 'benign'.*did you mean 'Benign'"):
        find_coco(archive.root, classes=["benign"])


def test_the_file_must_be_clear_and_whole(archive):
    content = write(archive, [])
    archive.text("captions.json", "{}")
    assert len(find_coco(archive.root).samples) == 6
    write(archive, [], relative="second.json")
    with pytest.raises(ValueError, match=r"holds 2 COCO files.*--annotations"):
        find_coco(archive.root)
    archive.text("cut.json", json.dumps(content)[:100])
    with pytest.raises(ValueError, match=r"cut\.json: is no whole COCO file"):
        find_coco(archive.root, archive.root / "cut.json")
    with pytest.raises(ValueError, match=r"captions\.json: is no COCO file"):
        find_coco(archive.root, archive.root / "captions.json")
    with pytest.raises(FileNotFoundError, match="gone"):
        find_coco(archive.root, archive.root / "gone.json")


@settings(max_examples=60, deadline=None)
@given(arrays(np.uint8, st.tuples(st.integers(1, 12), st.integers(1, 12)), elements=st.integers(0, 1)))
def test_polygons_draw_the_mask_again(mask):
    if mask.any():  # holes, diagonal neighbours and single pixels included
        code, _ = encode_segmentation(polygons(mask), mask.shape)
        np.testing.assert_array_equal(decode_union([code], mask.shape), mask)
    else:
        assert polygons(mask) == []


def test_there_and_back(phantom_root, tmp_path):
    path = tmp_path / "set.json"
    path.write_text(json.dumps(to_coco(phantom_root)))
    splits = Splits.read(phantom_root)
    read = COCO(path)  # the format by its own reader
    assert len(read.imgs) == len(splits.images)
    found = find_coco(phantom_root, path)
    assert not found.bad + found.left_out
    assert [s.name for s in found.samples] == list(splits.images)
    for name, mask in masks_of(found).items():
        truth = read_mask(phantom_root / splits.images[name].split / "masks" / f"{name}.png")
        assert np.count_nonzero(mask & truth) / np.count_nonzero(mask | truth) > 0.99
        (image_id,) = [key for key, image in read.imgs.items() if image["file_name"].endswith(f"/{name}.png")]
        drawn = np.maximum.reduce([read.annToMask(a) for a in read.loadAnns(read.getAnnIds([image_id]))])
        assert np.count_nonzero(drawn & truth) / np.count_nonzero(drawn | truth) > 0.99
        assert sum(a["area"] for a in read.loadAnns(read.getAnnIds([image_id]))) == np.count_nonzero(truth)
    report = convert(found, tmp_path / "dst", "again")
    assert report.classes == {"benign": 17, "malignant": 10}
    again = Splits.read(tmp_path / "dst").images
    assert {n: e.pixels for n, e in again.items()} == {n: e.pixels for n, e in splits.images.items()}
