"""Points of lesions whose axes are known by construction."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ultraref.datasets.transforms import GroundTruthPoints, RandomRotateFlip
from ultraref.datasets.transforms.lesion_points import background_points, foreground_points


def ellipse(size=(100, 120), centre=(60, 50), half=(30, 15), angle=0) -> np.ndarray:
    mask = np.zeros(size, np.uint8)
    return cv2.ellipse(mask, centre, half, angle, 0, 360, 1, -1)


def place(mask: np.ndarray, **options) -> dict:
    return GroundTruthPoints(**options)({"gt": mask})


def test_lying_ellipse_by_hand():
    results = place(ellipse())
    # Centre; 0.85 of the half axes 30 and 15 to either side of it, left and top first.
    lesion = [(60, 50), (60 - 25.5, 50), (60 + 25.5, 50), (60, 50 - 12.75), (60, 50 + 12.75)]
    # The box is 61 x 31 pixels, from (30, 35) to (90, 65), and grows by a fifth of 61 and of 31.
    background = [(30 - 12.2, 35 - 6.2), (90 + 12.2, 65 + 6.2)]
    np.testing.assert_allclose(results["gt_points"], lesion + background, atol=0.6)
    assert results["gt_points"].dtype == np.float32
    assert results["gt_point_labels"].tolist() == [1, 1, 1, 1, 1, 0, 0]
    assert results["gt_points_valid"]


def test_standing_ellipse_has_its_major_ends_top_first():
    points = foreground_points(ellipse(half=(12, 30), centre=(50, 50)), 5)
    np.testing.assert_allclose(points[1:3], [(50, 24.5), (50, 75.5)], atol=0.6)
    np.testing.assert_allclose(points[3:], [(39.8, 50), (60.2, 50)], atol=0.6)


@pytest.mark.parametrize("angle", [0, 90])
def test_a_small_turn_moves_the_points_a_little(angle):
    one, other = (foreground_points(ellipse(angle=angle + turn), 7) for turn in (-4, 4))
    # 8 degrees at 30 px are 4.2 px.
    assert np.abs(one - other).max() < 5


def test_round_lesions_do_not_flip_their_axes():
    first = foreground_points(ellipse(half=(20, 20)), 5)
    np.testing.assert_allclose(first, [(60, 50), (43, 50), (77, 50), (60, 33), (60, 67)], atol=0.6)
    for half in ((20, 19), (19, 20)):
        np.testing.assert_allclose(foreground_points(ellipse(half=half), 5), first, atol=1.5)


def test_points_of_a_curved_lesion_are_in_it():
    ring = cv2.circle(np.zeros((80, 80), np.uint8), (40, 40), 25, 1, 5)[:, :45]
    points = foreground_points(np.ascontiguousarray(ring), 7)
    rows, columns = np.rint(points[:, ::-1]).astype(int).T
    assert ring[rows, columns].all()


masks = st.tuples(
    *(st.integers(8, 40) for _ in range(2)),
    st.integers(-5, 45),
    st.integers(-5, 45),
    st.integers(1, 30),
    st.integers(1, 30),
)


@settings(max_examples=60, deadline=None)
@given(masks, st.integers(0, 179))
def test_labels_are_true_wherever_the_lesion_lies(numbers, angle):
    height, width, x, y, half_x, half_y = numbers
    mask = ellipse((height, width), (x, y), (half_x, half_y), angle)
    results = place(mask, layout="3+4")
    if not results["gt_points_valid"]:
        assert mask.sum() < 10 or mask.all()
        return
    points = results["gt_points"]
    assert (points >= 0).all()
    assert (points <= [width - 1, height - 1]).all()
    columns, rows = np.rint(points).astype(int).T
    assert (mask[rows, columns] == results["gt_point_labels"]).all()


def test_the_clipping_rule():
    mask = np.zeros((50, 50), np.uint8)
    mask[:20, :30] = 1
    # The lesion fills the top left corner of the frame: that place of the ring, clipped, lies in it and is passed over.
    np.testing.assert_allclose(background_points(mask, 3), [(29 + 6, 19 + 4), (29 + 6, 0), (0, 19 + 4)], atol=1e-9)


def test_where_the_ring_is_used_up_the_farthest_background_stands_in():
    mask = np.ones((20, 20), np.uint8)
    mask[3:8, 3:8] = 0
    assert background_points(mask, 2).tolist() == [[5, 5], [5, 5]]


def test_padding_gets_no_point():
    results = GroundTruthPoints()({"gt": ellipse(), "content_size": (70, 95)})
    assert results["gt_points"].max(axis=0).tolist() == [94, 69]


@pytest.mark.parametrize(("layout", "lesion", "background"), [("5+2", 5, 2), ("7+0", 7, 0), ("3+4", 3, 4)])
def test_layouts(layout, lesion, background):
    results = place(ellipse(), layout=layout)
    assert results["gt_points"].shape == (7, 2)
    assert results["gt_point_labels"].tolist() == [1] * lesion + [0] * background


@pytest.mark.parametrize(("pixels", "valid"), [(0, False), (9, False), (10, True), (400, False)])
def test_small_and_full_masks_switch_the_points_off(pixels, valid):
    mask = np.zeros((20, 20), np.uint8)
    mask.ravel()[:pixels] = 1
    results = place(mask)
    assert results["gt_points_valid"] == valid
    assert results["gt_points"].any() == valid


def test_points_follow_the_augmentation():
    mask = ellipse(centre=(40, 50))
    sample = {"img": mask * 255, "gt_seg_map": mask, "rng": np.random.default_rng(0)}
    flipped = RandomRotateFlip(degrees=0, flip_prob=1)(sample)
    before, after = place(mask)["gt_points"], place(flipped["gt_seg_map"])["gt_points"]
    # Mirrored, the ends of the lying axis change places.
    np.testing.assert_allclose(after[[0, 2, 1, 3, 4], 0], 119 - before[:5, 0], atol=1)
    np.testing.assert_allclose(after[[0, 2, 1, 3, 4], 1], before[:5, 1], atol=1)


def test_unknown_layout_is_named():
    with pytest.raises(ValueError, match=r"layout is '4\+3'.*5\+2, 7\+0, 3\+4"):
        GroundTruthPoints(layout="4+3")
