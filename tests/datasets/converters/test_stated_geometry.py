"""What a table says of an image, against its mask."""

import numpy as np
import pytest

from ultraref.datasets.converters.stated_geometry import StatedGeometry

MASK = np.zeros((40, 60), np.uint8)
MASK[10:20, 30:50] = 1  # x 30, y 10, 20 wide, 10 high


@pytest.mark.parametrize(
    "box", ["", "[30, 10, 20, 10]", "31;11;20;10", "[30.5 10.5 20 10]", "(30,10,49,19)", "[30,10,50,20]", "28,8,20,10"]
)
def test_boxes_that_fit(box):
    assert not StatedGeometry(box=box).contradictions(MASK)


@pytest.mark.parametrize("box", ["[33,10,20,10]", "[10,30,10,20]", "[30,10,20]", "upper left", "[30,10,20,10,0]"])
def test_boxes_that_do_not(box):
    assert f"the table's box is {box}," in StatedGeometry(box=box).contradictions(MASK)["bbox"]


def test_sizes():
    assert not StatedGeometry("60", "40.0").contradictions(MASK)
    assert StatedGeometry("40", "60").contradictions(MASK) == {
        "height": "the table's height is 60, but the image's 40",
        "width": "the table's width is 40, but the image's 60",
    }


def test_without_a_lesion_there_is_no_box():
    assert not StatedGeometry(box="[1,2,3,4]").contradictions(MASK * 0)
