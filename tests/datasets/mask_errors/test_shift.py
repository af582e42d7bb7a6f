import numpy as np
import pytest

from ultraref.datasets.mask_errors import Shift


def _box(mask):
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return rows[-1] - rows[0] + 1, columns[-1] - columns[0] + 1


def _translate(mask, dx, dy):
    moved = np.zeros_like(mask)
    for y, x in np.argwhere(mask):
        if 0 <= y + dy < mask.shape[0] and 0 <= x + dx < mask.shape[1]:
            moved[y + dy, x + dx] = 1
    return moved


@pytest.mark.parametrize("rotation_prob", [0.0, 1.0])
def test_move_is_5_to_30_percent_of_the_box(lesion, draw, rotation_prob):
    height, width = _box(lesion)
    for result, params in draw(Shift(rotation_prob=rotation_prob), lesion, 20):
        assert "fallback" not in params
        dx, dy = abs(params["dx"]) / width, abs(params["dy"]) / height
        assert max(dx, dy) >= 0.05 - 1e-9
        assert np.hypot(dx, dy) <= 0.3 + 1e-9
        assert result.sum() >= 0.5 * lesion.sum()
        assert 5 <= abs(params["rotation"]) <= 20 if rotation_prob else params["rotation"] == 0


def test_without_rotation_pixels_are_translated(lesion, draw):
    for result, params in draw(Shift(rotation_prob=0.0), lesion, 5):
        np.testing.assert_array_equal(result, _translate(lesion, params["dx"], params["dy"]))


def test_rotation_keeps_the_moved_centroid_and_the_area(draw):
    mask = np.zeros((160, 200), np.uint8)
    mask[70:90, 70:130] = 1
    centroid = np.argwhere(mask).mean(axis=0)
    for result, params in draw(Shift(rotation_prob=1.0), mask, 20):
        moved = np.argwhere(result).mean(axis=0) - centroid
        np.testing.assert_allclose(moved, (params["dy"], params["dx"]), atol=0.5)
        assert int(result.sum()) == pytest.approx(1200, rel=0.02)
        # The long axis points along the rotation; OpenCV counts angles counter-clockwise on the screen.
        y, x = (np.argwhere(result) - np.argwhere(result).mean(axis=0)).T
        angle = -np.degrees(0.5 * np.arctan2(2 * (x * y).mean(), (x * x).mean() - (y * y).mean()))
        assert angle == pytest.approx(params["rotation"], abs=1.0)


def test_all_directions_occur(round_lesion, draw):
    signs = {(np.sign(params["dx"]), np.sign(params["dy"])) for _, params in draw(Shift(), round_lesion, 60)}
    assert {(1, 1), (1, -1), (-1, 1), (-1, -1)} <= signs


def test_a_box_of_three_pixels_can_not_move(draw):
    mask = np.zeros((9, 9), np.uint8)
    mask[4, 4:7] = 1
    for result, params in draw(Shift(), mask, 3):
        assert params["fallback"] == "unchanged"
        np.testing.assert_array_equal(result, mask)
