import re

import numpy as np
import pytest

from ultraref.datasets.converters import find_annotations
from ultraref.datasets.converters.annotations.yolo import label_path, read_class_names
from ultraref.datasets.converters.assign_splits import TEST
from ultraref.errors import UserError

YAML = "train: ../train/images\nval: ../valid/images\n\nnc: 2\nnames: ['nodule', 'gland']\n\nroboflow:\n  version: 3\n"


def line(points, number=0):
    return f"{number} " + " ".join(f"{x / 60:.8f} {y / 48:.8f}" for x, y in points) + "\n"


def test_roboflows_folders_keep_their_split_and_copies_stay_together(archive, square_points, draw_square, masks_of):
    names = ("train/{}/x_png.rf.0a1b", "train/{}/x_png.rf.9c8d", "valid/{}/y_png.rf.11", "test/{}/z_png.rf.22")
    for name in names:
        archive.image(name.format("images") + ".jpg")
        archive.path(name.format("labels") + ".txt").write_text(line(square_points()))
    archive.path(names[3].format("labels") + ".txt").write_text("")
    archive.text("data.yaml", YAML)
    archive.text("README.roboflow.txt", "made by")
    found = find_annotations(archive.root)
    assert [sample.fold for sample in found.samples] == ["train", "train", 0, TEST]
    assert found.together == [tuple(sample.name for sample in found.samples[:2])]
    masks = masks_of(found)
    for sample in found.samples[:3]:
        np.testing.assert_array_equal(masks[sample.name], draw_square())
        assert sample.category == "nodule"
    assert not masks[found.samples[3].name].any()
    assert not found.bad + found.left_out


def test_classes_by_name_and_by_number(archive, square_points, draw_square, masks_of):
    archive.image("images/a.png")
    archive.path("labels/a.txt").write_text(line(square_points(), 1) + "\n" + line(square_points(0, 0, 30), 0))
    with pytest.raises(UserError, match=r"holds 2 classes: 0 \(1\), 1 \(1\)"):
        find_annotations(archive.root)
    archive.text("dataset.yaml", "names:\n  0: gland\n  1: nodule\n")
    with pytest.raises(UserError, match=r"holds 2 classes: gland \(1\), nodule \(1\)"):
        find_annotations(archive.root)
    np.testing.assert_array_equal(masks_of(find_annotations(archive.root, classes=["nodule"]))["a"], draw_square())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x 0 0 1 0 1 1", "line 1: the class is 'x'"),
        ("0 0 0 1 0 1", "line 1: has 6 numbers"),
        ("0 0 0 1 0 1 nan", "line 1: has a coordinate that is no finite number"),
        ("0 0 0 1 0 1 y", "line 1: has a coordinate that is no finite number"),
        ("0 " * 300001, "line 1: has 300001 numbers"),
    ],
)
def test_damaged_lines_are_defects(archive, square_points, text, message):
    for name in "ab":
        archive.image(f"images/{name}.png")
    archive.text("labels/a.txt", text)
    archive.path("labels/b.txt").write_text(line(square_points()))
    found = find_annotations(archive.root)
    assert [sample.name for sample in found.samples] == ["b"]
    assert re.search(rf"labels/a\.txt: {message}", found.bad[0])


def test_boxes_and_pixels_in_place_of_shares(archive, square_points):
    for name in "abc":
        archive.image(f"images/{name}.png")
    archive.text("labels/a.txt", "0 0.5 0.5 0.1 0.1")
    archive.text("labels/b.txt", "0 10 10 20 10 20 20")
    archive.path("labels/c.txt").write_text(line(square_points()))
    found = find_annotations(archive.root)
    assert found.bad == [f"{archive.root}/labels/a.txt: line 1 (0) on a.png is a box, which is no outline of a lesion"]
    sample = found.samples[0]
    with pytest.raises(UserError, match=r"labels/b\.txt: line 1 \(0\): has the point x 600, y 480, far outside"):
        sample.load_masks(sample)


@pytest.mark.parametrize(
    "text", ["", "names: 3", "names: {a: b}", "- 1", "names: [a", "names: !!python/object:os.system x", "a: &a [*a]"]
)
def test_yaml_that_is_refused(tmp_path, text):
    (tmp_path / "data.yaml").write_text(text)
    with pytest.raises(UserError, match=r"data\.yaml: ") as caught:
        read_class_names(tmp_path / "data.yaml")
    assert "\n" not in str(caught.value)


def test_where_labels_are():
    assert label_path("train/images/a.b.png") == "train/labels/a.b.txt"
    assert label_path("images/train/images_1.png") == "labels/train/images_1.txt"
    assert label_path("a.png") == "a.txt"
