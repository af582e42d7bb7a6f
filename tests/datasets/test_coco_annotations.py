"""What COCO files of all programs hold, by one rule set for converter and data set."""

import json
from itertools import islice

import numpy as np
import pytest
from PIL import Image

from ultraref.datasets import CocoLesionDataset
from ultraref.datasets.coco_annotations import CocoFile
from ultraref.datasets.converters import find_coco
from ultraref.errors import UserError
from ultraref.testing.fuzz import mutations

SQUARE = [[5, 5, 15, 5, 15, 15, 5, 15]]


@pytest.fixture
def content(tmp_path) -> dict:
    """Three images of 20 x 30 pixels (height x width), each with a square of 100 pixels."""
    (tmp_path / "images").mkdir()
    for name in "abc":
        Image.fromarray(np.zeros((20, 30), np.uint8)).save(tmp_path / f"images/{name}.png")
    return {
        "images": [{"id": n, "file_name": f"{name}.png", "height": 20, "width": 30} for n, name in enumerate("abc")],
        "annotations": [{"id": n, "image_id": n, "category_id": 1, "segmentation": SQUARE} for n in range(3)],
        "categories": [{"id": 1, "name": "lesion"}],
    }


def read(tmp_path, content) -> tuple[dict[str, int], list[str]]:
    """Returns the lesion's pixels by name, and the problems, which converter and data set agree on."""
    path = tmp_path / "ann.json"
    path.write_text(json.dumps(content))
    found = find_coco(tmp_path)
    areas = {sample.name: int(np.sum(sample.load_masks(sample)[0])) for sample in found.samples}
    assert not found.left_out
    said = found.missing + found.bad
    if not areas:
        return areas, said
    ours = CocoLesionDataset(str(path), image_dir=str(tmp_path), problems="skip")
    assert sorted(f"{path}: {problem}" for problem in ours.problems) == sorted(said)
    assert [sample["name"] for sample in ours] == list(areas)
    if said:
        with pytest.raises(UserError, match=f"{len(said)} problems"):
            CocoLesionDataset(str(path), image_dir=str(tmp_path))
    return areas, [message.removeprefix(f"{path}: ") for message in said]


ALL = {"a": 100, "b": 100, "c": 100}


@pytest.mark.parametrize(
    "edit",
    [
        lambda c: [a.update(image_id=float(a["image_id"])) for a in c["annotations"]],
        lambda c: [a.update(image_id=str(a["image_id"]), category_id="1") for a in c["annotations"]],
        lambda c: [i.update(height="20", width=30.0) for i in c["images"]],
        lambda c: [i.update(file_name=f"D:\\set\\images\\{i['file_name']}") for i in c["images"]],
        lambda c: [i.update(file_name=f"/home/anna/{i['file_name']}") for i in c["images"]],
        lambda c: [a.pop("id") for a in c["annotations"]],
        lambda c: c.pop("categories"),
        lambda c: c["categories"].append({"id": 2, "name": "never used"}),
        lambda c: [a.update(bbox=None, iscrowd=None, area="?") for a in c["annotations"]],
    ],
)
def test_what_is_clear_is_read(tmp_path, content, edit):
    edit(content)
    assert read(tmp_path, content) == (ALL, [])


@pytest.mark.parametrize(
    ("edit", "left", "said"),
    [
        # Objects that are boxes only aren't background.
        (
            lambda c: c["annotations"][0].update(segmentation=[]),
            "bc",
            ["a.png, annotation 0: an object without an outline"],
        ),
        (
            lambda c: c["annotations"][0].pop("segmentation"),
            "bc",
            ["a.png, annotation 0: an object without an outline"],
        ),
        # Nobody knows which image the annotations belong to.
        (
            lambda c: c["images"][1].update(id=0),
            "c",
            ["b.png: has the id 0 of a.png", "a.png: has the id 0", "annotation 1: its image"],
        ),
        (
            lambda c: c["images"][1].update(id="0"),
            "c",
            ["b.png: has the id 0 of a.png", "a.png: has the id 0", "annotation 1: its image"],
        ),
        (lambda c: c["annotations"].append(None), "abc", ["annotation number 4: is None"]),
        (lambda c: c["annotations"].append({"id": 9}), "abc", ["annotation 9: its image_id is missing"]),
        (
            lambda c: c["annotations"].append({"id": 2, "image_id": 77}),
            "abc",
            ["annotation 2: its image '77' is not in the file"],
        ),
        (lambda c: c["images"].append(None), "abc", ["image number 4: is None"]),
        (lambda c: c["images"].append({}), "abc", ["image number 4: its file_name is None"]),
        (lambda c: c["images"].append({"file_name": "d.png", "id": None}), "abc", ["d.png: its id is missing"]),
        (lambda c: c["images"][0].update(height=10**9), "bc", ["a.png: its height is 1000000000"]),
        (lambda c: c["images"][0].update(height=99_999, width=99_999), "bc", ["a.png: its size"]),
        (
            lambda c: c["images"][0].update(height=30, width=20),
            "bc",
            ["a.png: is 20 x 30 (height x width), but the JSON says 30 x 20"],
        ),
        (
            lambda c: c["annotations"][0].update(category_id=0),
            "bc",
            ["a.png, annotation 0: its category 0 is not in the file"],
        ),
        (
            lambda c: c["annotations"][0].pop("category_id"),
            "bc",
            ["a.png, annotation 0: its category None is not in the file"],
        ),
        (lambda c: c["annotations"][0].update(bbox="x"), "bc", ["a.png, annotation 0: bbox 'x' is not"]),
        (
            lambda c: c["annotations"][0].update(bbox=[5, 5, 1e9, 1e9]),
            "bc",
            ["a.png, annotation 0: bbox [5, 5, 1e+09, 1e+09] disagrees"],
        ),
        (lambda c: c["annotations"][0].update(iscrowd="yes"), "bc", ["a.png, annotation 0: its iscrowd is 'yes'"]),
        (lambda c: c["images"][0].update(file_name="z.png"), "bc", ["z.png: there is no file"]),
        (lambda c: c.update(categories=[7]), "", ["category number 1", *["its category 1 is not in the file"] * 3]),
    ],
)
def test_what_is_unclear_is_a_problem_and_left_out(tmp_path, content, edit, left, said):
    edit(content)
    areas, problems = read(tmp_path, content)
    assert areas == dict.fromkeys(left, 100)
    assert len(problems) == len(said)
    assert all(words in problem for words, problem in zip(said, problems))
    assert not any("\n" in problem for problem in problems)


@pytest.mark.parametrize("key", ["images", "annotations"])
def test_lists_must_be_lists(tmp_path, content, key):
    path = tmp_path / "ann.json"
    path.write_text(json.dumps({**content, key: {"a": 1}}))
    with pytest.raises(UserError, match=f"is no COCO file of instances: it has no list {key}"):
        CocoFile(path)
    path.write_text(json.dumps({**content, "info": {"lesion_classes": "lesion"}}))
    with pytest.raises(UserError, match="lesion_classes is 'lesion'"):
        CocoFile(path)


def test_damaged_files_are_read_or_refused_in_one_line(tmp_path, content):
    path = tmp_path / "ann.json"
    data = json.dumps(content).encode()
    outcomes = set()
    for damaged in islice(mutations(data, np.random.default_rng(0)), 300):
        path.write_bytes(damaged)
        try:
            coco = CocoFile(path)
            images, problems = coco.read_images(tmp_path, list(coco.counts))
        except UserError as error:
            outcomes.add("refused")
            assert "\n" not in str(error)  # noqa: PT017
            continue
        outcomes.add("problems" if problems else "whole")
        assert not any("\n" in str(problem) for problem in problems)
        assert all(image.mask().shape == (20, 30) for image in images)
    assert outcomes == {"refused", "problems", "whole"}
