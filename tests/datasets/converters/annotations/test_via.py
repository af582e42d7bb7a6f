import re

import numpy as np
import pytest

from ultraref.datasets.converters import find_annotations
from ultraref.errors import UserError


def region(label, name="polygon", **shape):
    return {"shape_attributes": {"name": name, **shape}, "region_attributes": {} if label is None else {"kind": label}}


def polygon(points, label="nodule"):
    return region(label, all_points_x=[x for x, _ in points], all_points_y=[y for _, y in points])


def entry(name, *regions, size=1234, **more):
    return {f"{name}{size}": {"filename": name, "size": size, "regions": list(regions), "file_attributes": {}, **more}}


def test_a_project_of_version_2(archive, write_json, square_points, draw_square, masks_of):
    for name in "abc":
        archive.image(f"{name}.png")
    metadata = {
        **entry("a.png", polygon(square_points()), file_attributes={"device": "GE", "note": ""}),
        **entry("b.png", region("nodule", "ellipse", cx=30, cy=20, rx=6, ry=3, theta=0)),
        **entry("c.png"),
    }
    write_json(
        "project.json",
        {
            "_via_settings": {},
            "_via_img_metadata": metadata,
            "_via_attributes": {},
            "_via_data_format_version": "2.0.10",
        },
    )
    found = find_annotations(archive.root)
    masks = masks_of(found)
    np.testing.assert_array_equal(masks["a"], draw_square())
    rows, columns = np.mgrid[:48, :60] + 0.5
    np.testing.assert_array_equal(masks["b"], ((columns - 30) / 6) ** 2 + ((rows - 20) / 3) ** 2 <= 1)
    assert not masks["c"].any()
    assert found.samples[0].attributes == {"device": "GE", "lesion_classes": "nodule"}


def test_annotations_of_version_1_have_regions_by_number_and_perhaps_no_attribute(
    archive, write_json, square_points, draw_square, masks_of
):
    archive.image("a.png")
    old = entry("a.png")
    old["a.png1234"]["regions"] = {"0": polygon(square_points(), None), "1": region(None, "circle", cx=50, cy=40, r=2)}
    write_json("via.json", old)
    found = find_annotations(archive.root)
    rows, columns = np.mgrid[:48, :60] + 0.5
    np.testing.assert_array_equal(
        masks_of(found)["a"], draw_square() | ((columns - 50) ** 2 + (rows - 40) ** 2 <= 4).astype(np.uint8)
    )
    assert found.samples[0].category is None


def test_the_attribute_that_is_the_class(archive, write_json, square_points):
    archive.image("a.png")
    both = polygon(square_points())
    both["region_attributes"] = {"kind": {"cyst": True, "solid": False}, "reader": "x"}
    write_json("via.json", entry("a.png", both))
    with pytest.raises(UserError, match=r"attributes kind, reader; .*--label-attribute"):
        find_annotations(archive.root)
    assert find_annotations(archive.root, label_attribute="kind").samples[0].category == "cyst"
    with pytest.raises(UserError, match="no region has the attribute 'size'"):
        find_annotations(archive.root, label_attribute="size")
    with pytest.raises(UserError, match="is for VIA"):
        find_annotations(archive.root, "cvat", label_attribute="kind")


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (region("n", all_points_x=[1, 2, 3], all_points_y=[1, 2]), "no lists of one length"),
        (region("n", "circle", cx=1, cy=2), "cx, cy, r are 1, 2, None"),
        (region("n", "ellipse", cx=1, cy=2, rx=1, ry=1, theta="x"), "theta are 'x'"),
    ],
)
def test_damaged_regions(archive, write_json, broken, message):
    archive.image("a.png")
    write_json("via.json", entry("a.png", broken))
    (sample,) = find_annotations(archive.root).samples
    with pytest.raises(UserError, match=re.escape(f"{archive.root}/via.json: region 0 (n)") + f".*{message}"):
        sample.load_masks(sample)


def test_rectangles_are_no_outlines_and_other_files_no_via(archive, write_json):
    archive.image("a.png")
    archive.image("b.png")
    write_json("via.json", {**entry("a.png", region("n", "rect", x=1, y=1, width=5, height=5)), **entry("b.png")})
    (defect,) = find_annotations(archive.root).bad
    assert defect.endswith("via.json: region 0 (n) on a.png is a rect, which is no outline of a lesion")
    write_json("via.json", {"project": {}, "file": {"1": {}}, "metadata": {}})
    with pytest.raises(UserError, match="project of VIA 3"):
        find_annotations(archive.root, "via")
    write_json("via.json", {"a": {"filename": 3, "regions": []}})
    with pytest.raises(UserError, match="the entry 'a' names no file"):
        find_annotations(archive.root, "via")
    write_json("via.json", {"a": {"filename": "a.png", "regions": [3]}})
    with pytest.raises(UserError, match=r"a\.png: its regions are no list of shapes"):
        find_annotations(archive.root, "via")
