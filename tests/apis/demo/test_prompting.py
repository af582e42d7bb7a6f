"""What SAM is asked, given what a user pointed at."""

import numpy as np
import pytest

from ultraref.apis.demo.prompting import GUESSED_SIDES, MARGIN, Ask, questions

SHAPE = (200, 300)
# 2 % of the shorter side, which is 200 px.
EDGE = 4.0


def boxes(points, box=None, coarse=None):
    return [ask.box for ask in questions(points, box, coarse, SHAPE, knows_points=False)]


def test_a_sam_that_knows_points_is_asked_as_the_user_did():
    points = [(10.0, 20.0, 1), (50.0, 60.0, 0)]
    assert questions(points, None, None, SHAPE, True) == [Ask(None, tuple(points))]
    assert questions(points, (1.0, 2.0, 30.0, 40.0), None, SHAPE, True) == [Ask((1.0, 2.0, 30.0, 40.0), tuple(points))]


@pytest.mark.parametrize("knows_points", [True, False])
def test_the_background_alone_asks_nothing(knows_points):
    assert questions([(5.0, 5.0, 0)], None, None, SHAPE, knows_points) == []
    assert questions([], None, None, SHAPE, knows_points) == []


def test_one_click_is_tried_with_squares_around_it():
    found = boxes([(150.0, 100.0, 1)])
    assert [x2 - x1 for x1, _, x2, _ in found] == pytest.approx([200 * share for share in GUESSED_SIDES])
    for x1, y1, x2, y2 in found:
        assert ((x1 + x2) / 2, (y1 + y2) / 2) == pytest.approx((150, 100))
        assert x2 - x1 == pytest.approx(y2 - y1)


def test_boxes_stay_in_the_image():
    for x1, y1, x2, y2 in boxes([(0.0, 199.0, 1)]):
        assert (x1, y2) == (0, 199)
        assert x2 > 0
        assert y1 < 199


def test_several_clicks_span_a_box():
    assert MARGIN * 200 == EDGE
    assert boxes([(100.0, 50.0, 1), (140.0, 90.0, 1)]) == [(96, 46, 144, 94)]


def test_a_click_outside_of_the_box_lets_it_grow_and_one_inside_does_not():
    box = (100.0, 50.0, 140.0, 90.0)
    assert boxes([(120.0, 70.0, 1)], box) == [box]
    assert boxes([(160.0, 70.0, 1)], box) == [(100, 50, 164, 90)]


def test_clicks_start_from_the_coarse_mask_unless_there_is_a_box():
    coarse = np.zeros(SHAPE, np.float32)
    coarse[20:41, 30:61] = 0.8
    coarse[100, 100] = 0.4
    assert boxes([(45.0, 30.0, 1)], coarse=coarse) == [(30, 20, 60, 40)]
    assert boxes([(45.0, 30.0, 1)], (10.0, 10.0, 90.0, 90.0), coarse) == [(10, 10, 90, 90)]
    # An empty one says nothing.
    assert len(boxes([(45.0, 30.0, 1)], coarse=np.zeros(SHAPE))) == len(GUESSED_SIDES)


def test_a_point_of_the_background_moves_the_side_that_costs_least():
    box = (100.0, 50.0, 140.0, 90.0)
    assert boxes([(103.0, 70.0, 0)], box) == [(104, 50, 140, 90)]
    assert boxes([(120.0, 88.0, 0)], box) == [(100, 50, 140, 87)]
    assert boxes([(10.0, 10.0, 0)], box) == [box]
    # The nearest side would leave the lesion's point outside, so another one moves.
    assert boxes([(105.0, 70.0, 0), (101.0, 85.0, 1)], (100.0, 50.0, 140.0, 90.0)) == [(97, 71, 140, 90)]
