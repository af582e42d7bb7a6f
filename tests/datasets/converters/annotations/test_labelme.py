import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

from ultraref.datasets.converters import find_annotations
from ultraref.errors import UserError


def content(*shapes, image="a.png", **more):
    """A file of version 5.2."""
    return {
        "version": "5.2.1",
        "flags": {"reviewed": True, "doubtful": False},
        "shapes": list(shapes),
        "imagePath": image,
        "imageData": None,
        "imageHeight": 48,
        "imageWidth": 60,
        **more,
    }


def shape(points, label="nodule", kind="polygon", **more):
    return {
        "label": label,
        "points": points,
        "group_id": None,
        "description": "",
        "shape_type": kind,
        "flags": {},
        **more,
    }


def test_polygons_circles_and_masks(archive, write_json, square_points, draw_square, masks_of):
    for name in "abcd":
        archive.image(f"{name}.png")
    write_json("a.json", content(shape(square_points()), shape(square_points(40, 30, 5))))
    write_json("b.json", content(shape([[30, 20], [30, 25]], kind="circle"), image="b.png"))
    buffer = io.BytesIO()
    Image.fromarray(np.ones((14, 14), bool)).save(buffer, "PNG")
    drawn = base64.b64encode(buffer.getvalue()).decode()
    write_json("c.json", content(shape([[12, 10], [25, 23]], kind="mask", mask=drawn), image="..\\raw\\c.png"))
    found = find_annotations(archive.root)
    masks = masks_of(found)
    np.testing.assert_array_equal(masks["a"], draw_square() | draw_square(30, 40, 5))
    rows, columns = np.mgrid[:48, :60] + 0.5
    np.testing.assert_array_equal(masks["b"], (columns - 30) ** 2 + (rows - 20) ** 2 <= 25)
    np.testing.assert_array_equal(masks["c"], draw_square())
    assert found.samples[0].attributes == {"reviewed": "yes", "lesion_classes": "nodule"}
    assert [sample.category for sample in found.samples] == ["nodule"] * 3
    assert found.left_out == [f"{archive.root}/d.png: an image without annotations"]


def test_several_classes_need_a_choice(archive, write_json, square_points, draw_square, masks_of):
    for name in "ab":
        archive.image(f"{name}.png")
    caliper = shape([[1, 1], [5, 5]], "caliper", "line")
    write_json("a.json", content(shape(square_points()), shape(square_points(0, 0, 40), "gland"), caliper))
    write_json("b.json", content(shape(square_points(0, 0, 40), "gland"), image="b.png"))
    with pytest.raises(UserError, match=r"holds 3 classes: gland \(2\), caliper \(1\), nodule \(1\)"):
        find_annotations(archive.root)
    found = find_annotations(archive.root, classes=["nodule"])
    masks = masks_of(found)
    np.testing.assert_array_equal(masks["a"], draw_square())
    assert not masks["b"].any()
    assert [sample.category for sample in found.samples] == ["nodule", None]
    both = find_annotations(archive.root, classes=["nodule", "gland"])
    assert both.samples[0].attributes["lesion_classes"] == "gland+nodule"
    lines = find_annotations(archive.root, classes=["caliper"])
    assert lines.bad == [
        f"{archive.root}/a.json: shape 2 (caliper) on a.png is a line, which is no outline of a lesion"
    ]


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (shape([[1, 1], [2, 2]]), r"shape 0 \(nodule\): has 2 points"),
        (shape([[1, 1], [2, 2], [1, "x"]]), "not a list of"),
        (shape([[1, 1], [2, 2], [1e9, 3]]), "far outside its image of 60 x 48"),
        (shape([[1, 1], [1, 1], [1, 1]]), "covers no pixel"),
        (shape([[1, 1]], kind="circle"), "two of x and y"),
        (shape([[1, 1], [2, 2]], kind="mask", mask="%%%"), "isn't base64"),
        (shape([[1, 1], [2, 2]], kind="mask", mask=None), r"is empty \(0 bytes\)"),
    ],
)
def test_damaged_objects_are_named_with_their_file(archive, write_json, broken, message):
    archive.image("a.png")
    write_json("a.json", content(broken))
    (sample,) = find_annotations(archive.root).samples
    with pytest.raises(UserError, match=message) as caught:
        sample.load_masks(sample)
    assert str(caught.value).startswith(f"{archive.root}/a.json: shape 0")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (content(imageHeight=10**6, imageWidth=10**5), "the image's size|more than the limit"),
        (content(imageHeight="x"), "the image's size is 'x' x 60"),
        (content(image=7), "imagePath is 7"),
        (content(3), "shape 0 is 3, not an object"),
        ({"version": "5", "shapes": []}, "is no LabelMe file"),
        (["shapes"], "a.json: is no LabelMe file"),
    ],
)
def test_damaged_files_are_defects(archive, write_json, square_points, broken, message):
    archive.image("a.png")
    archive.image("b.png")
    write_json("a.json", broken)
    write_json("b.json", content(shape(square_points()), image="b.png"))
    found = find_annotations(archive.root, "labelme")
    assert [sample.name for sample in found.samples] == ["b"]
    (defect,) = found.bad
    assert defect.startswith(f"{archive.root}/a.json: ")
    assert re.search(message, defect)
