import re

import numpy as np
import pytest

from ultraref.datasets.converters import find_annotations
from ultraref.datasets.converters.assign_splits import TEST
from ultraref.errors import UserError

HEAD = '<?xml version="1.0" encoding="utf-8"?>\n<annotations>\n<version>1.1</version>\n<meta><job><id>7</id></job></meta>\n'


def image(number, name, *marks, subset="default", size='width="60" height="48"'):
    return f'<image id="{number}" name="{name}" subset="{subset}" {size}>{"".join(marks)}</image>\n'


def polygon(points, label="nodule"):
    text = ";".join(f"{x:.2f},{y:.2f}" for x, y in points)
    return (
        f'<polygon label="{label}" source="manual" occluded="0" points="{text}" z_order="0">'
        '<attribute name="margin">sharp</attribute></polygon>'
    )


def write(archive, *images, head=HEAD):
    archive.text("annotations.xml", head + "".join(images) + "</annotations>\n")


def test_polygons_ellipses_and_masks(archive, square_points, draw_square, masks_of):
    for name in "abc":
        archive.image(f"images/{name}.png")
    # Two rows of the box: 1 background, 2 mask; 3 mask.
    mask = '<mask label="nodule" source="semi-auto" occluded="0" rle="1, 5" left="20" top="30" width="3" height="2" z_order="0"></mask>'
    ellipse = '<ellipse label="nodule" cx="30.00" cy="20.00" rx="6.00" ry="3.00" rotation="90.0" z_order="0"></ellipse>'
    tag = '<tag label="poor_quality" source="manual"></tag>'
    write(
        archive,
        image(0, "a.png", polygon(square_points()), tag, subset="Train"),
        image(1, "b.png", ellipse, subset="validation"),
        image(2, "c.png", mask, subset="test"),
    )
    found = find_annotations(archive.root)
    masks = masks_of(found)
    np.testing.assert_array_equal(masks["a"], draw_square())
    rows, columns = np.mgrid[:48, :60] + 0.5
    np.testing.assert_array_equal(masks["b"], ((columns - 30) / 3) ** 2 + ((rows - 20) / 6) ** 2 <= 1)
    expected = np.zeros((48, 60), np.uint8)
    expected[30, 21:23] = expected[31, 20:23] = 1
    np.testing.assert_array_equal(masks["c"], expected)
    assert [sample.fold for sample in found.samples] == ["train", 0, TEST]
    assert found.samples[0].attributes == {"tags": "poor_quality", "lesion_classes": "nodule"}
    assert [sample.fold for sample in find_annotations(archive.root, keep_split=False).samples] == [None] * 3


@pytest.mark.parametrize(
    ("mark", "message"),
    [
        ('<polygon label="n" points="1,1;2,2"/>', "has 2 points"),
        ('<polygon label="n" points="1,1;2;3,3"/>', r"not a list of \[x, y\]"),
        ('<polygon label="n" points="1,1;2,nan;3,3"/>', "'nan' is no finite number"),
        ('<polygon label="n"/>', "'' is no finite number"),
        (
            '<mask label="n" rle="1, 4" left="0" top="0" width="3" height="2"/>',
            "its runs cover 5 pixels, its box of 2 x 3 has 6",
        ),
        ('<mask label="n" rle="6" left="58" top="0" width="3" height="2"/>', "doesn't lie in the image"),
        ('<mask label="n" rle="1" left="0" top="0" width="99999999" height="99999999"/>', "its box is 99999999 x"),
        ('<mask label="n" rle="-1,7" left="0" top="0" width="3" height="2"/>', "'-1' is no whole number"),
        ('<ellipse label="n" cx="1" cy="1" rx="0" ry="2"/>', "has no area"),
    ],
)
def test_damaged_marks(archive, mark, message):
    archive.image("a.png")
    write(archive, image(0, "a.png", mark))
    (sample,) = find_annotations(archive.root).samples
    with pytest.raises(UserError, match=re.escape(f"{archive.root}/annotations.xml: ") + f".*{message}"):
        sample.load_masks(sample)


def test_boxes_are_no_outlines_and_tracks_no_images(archive, square_points):
    archive.image("a.png")
    archive.image("b.png")
    box = '<box label="nodule" xtl="1" ytl="1" xbr="5" ybr="5"></box>'
    write(archive, image(0, "a.png", box), image(1, "b.png", polygon(square_points())))
    (defect,) = find_annotations(archive.root).bad
    assert defect.endswith("box 0 (nodule) on a.png is a box, which is no outline of a lesion")
    write(archive, '<track id="0" label="nodule"></track>')
    with pytest.raises(UserError, match="CVAT for video"):
        find_annotations(archive.root)
    write(archive, image(0, "a.png", size='width="60"'))
    with pytest.raises(UserError, match=r"image a\.png: the image's size is None x '60'"):
        find_annotations(archive.root)
