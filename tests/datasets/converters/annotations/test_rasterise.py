"""Pixels of shapes, derived by hand: a pixel belongs to a shape if its centre, at whole numbers and a half, does."""

import numpy as np
import pytest

from ultraref.datasets.converters.annotations.rasterise import ellipse_mask, paste, polygon_mask
from ultraref.errors import UserError

SHAPE = (7, 9)


def box(left, top, right, bottom):
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]], float)


def block(left, top, right, bottom):
    mask = np.zeros(SHAPE, np.uint8)
    mask[top:bottom, left:right] = 1
    return mask


@pytest.mark.parametrize(
    ("corners", "pixels"),
    [
        ((2, 1, 5, 4), (2, 1, 5, 4)),  # on the edges of pixels: 3 x 3 of them
        ((1.6, 0.6, 5.4, 4.4), (2, 1, 5, 4)),  # centres 2.5 to 4.5 and 1.5 to 3.5 lie in it
        ((2.4, 1.4, 4.6, 3.6), (2, 1, 5, 4)),
        ((2.6, 1.6, 4.4, 3.4), (3, 2, 4, 3)),
        ((2.5, 1.5, 4.5, 3.5), (2, 1, 4, 3)),  # centres on the outline: left and top count, right and bottom don't
        ((-3, -3, 20, 20), (0, 0, 9, 7)),  # cut off at the border
        ((-4, 1, 2, 3), (0, 1, 2, 3)),
        ((2.6, 1.6, 3.4, 2.4), (0, 0, 0, 0)),  # between centres
    ],
)
@pytest.mark.parametrize("turn", [0, 1, 2])
@pytest.mark.parametrize("step", [1, -1])
def test_squares(corners, pixels, turn, step):
    points = np.roll(box(*corners), turn, axis=0)[::step] if max(corners) < 18 else box(-3, -3, 18, 14)
    np.testing.assert_array_equal(polygon_mask(points, SHAPE, "x"), block(*pixels))


def test_a_triangle():
    # x + y < 5 at the centres (c + 0.5, r + 0.5): c + r < 4.
    rows, columns = np.mgrid[:7, :9]
    np.testing.assert_array_equal(
        polygon_mask(np.array([[0, 0], [5, 0], [0, 5]], float), SHAPE, "x"), rows + columns < 4
    )


def test_shapes_that_share_edges_share_no_pixel_and_leave_none_out():
    """A point in the middle, on the centre of a pixel, and the corners: four triangles cover each pixel once."""
    rng = np.random.default_rng(0)
    for middle in ([4.5, 3.5], *rng.uniform(1, 6, (20, 2))):
        around = box(0, 0, 9, 7)
        total = sum(
            polygon_mask(np.array([around[k], around[(k + 1) % 4], middle]), SHAPE, "x").astype(int) for k in range(4)
        )
        np.testing.assert_array_equal(total, np.ones(SHAPE))


def test_where_an_outline_goes_round_twice_there_is_a_hole():
    frame = np.concatenate([box(0, 0, 6, 6), box(0, 0, 6, 6)[:1], box(2, 2, 4, 4), box(2, 2, 4, 4)[:1]])
    np.testing.assert_array_equal(polygon_mask(frame, SHAPE, "x"), block(0, 0, 6, 6) - block(2, 2, 4, 4))


def test_areas_are_right_on_average():
    rng = np.random.default_rng(1)
    areas = []
    for _ in range(200):
        corners = rng.uniform(0, 40, (3, 2))
        (ax, ay), (bx, by) = corners[1] - corners[0], corners[2] - corners[0]
        areas.append((polygon_mask(corners, (40, 40), "x").sum(), abs(ax * by - ay * bx) / 2))
    drawn, true = np.array(areas).T
    assert abs(drawn.sum() / true.sum() - 1) < 0.005


def test_circles_and_ellipses():
    rows, columns = np.mgrid[:7, :9]
    inside = (columns + 0.5 - 4) ** 2 + (rows + 0.5 - 3) ** 2 <= 4
    np.testing.assert_array_equal(ellipse_mask((4, 3), (2, 2), SHAPE, "x"), inside)
    flat = ellipse_mask((4, 3), (3, 1), SHAPE, "x")
    assert (flat.any(axis=0).sum(), flat.any(axis=1).sum()) == (6, 2)
    np.testing.assert_array_equal(
        ellipse_mask((3.5, 3.5), (3, 1), (7, 7), "x", 90), ellipse_mask((3.5, 3.5), (3, 1), (7, 7), "x").T
    )
    # Clockwise by 45 degrees: along the diagonal to the lower right.
    turned = ellipse_mask((3.5, 3.5), (3, 0.5), (7, 7), "x", 45)
    assert turned[2, 2] == turned[3, 3] == turned[4, 4] == 1
    assert turned.sum() == turned.diagonal().sum()


def test_pasting():
    np.testing.assert_array_equal(paste(np.ones((2, 3)), 4, 1, SHAPE, "x"), block(4, 1, 7, 3))
    for left, top in ((-1, 0), (0, -1), (7, 0), (0, 6)):
        with pytest.raises(UserError, match=r"x: its mask of 2 x 3 .* doesn't lie in the image of 7 x 9"):
            paste(np.ones((2, 3)), left, top, SHAPE, "x")


@pytest.mark.parametrize("bad", [1e7, -1e7, np.nan, np.inf])
def test_coordinates_far_outside_are_refused(bad):
    corners = box(0, 0, 3, 3)
    corners[1, 0] = bad
    with pytest.raises(UserError, match="object 3: has "):
        polygon_mask(corners, SHAPE, "object 3")
    with pytest.raises(UserError, match="object 3: "):
        ellipse_mask((bad, 0), (1, 1), SHAPE, "object 3")
    with pytest.raises(UserError, match="has no area"):
        ellipse_mask((1, 1), (0, 1), SHAPE, "object 3")
