"""Outline distances of shapes whose answer is known, in px and mm; empty masks; MONAI's own metrics as a second opinion."""

import numpy as np
import pytest
import torch
from monai.metrics import (
    HausdorffDistanceMetric,
    compute_average_surface_distance,
    compute_hausdorff_distance,
    compute_surface_dice,
)
from scipy.spatial.distance import cdist

from ultraref.evaluation.metrics import SurfaceMeasure, surface_metrics

SIZE = 60
ROWS, COLUMNS = np.mgrid[:SIZE, :SIZE]
EMPTY = np.zeros((SIZE, SIZE), dtype=bool)
DIAGONAL = np.hypot(59, 59)


def square(half: int) -> np.ndarray:
    return (abs(ROWS - 30) <= half) & (abs(COLUMNS - 30) <= half)


def disc(column: int, radius: int = 12) -> np.ndarray:
    return (ROWS - 30) ** 2 + (COLUMNS - column) ** 2 <= radius**2


def metrics(prediction, target, spacing=None, tolerance=2.0):
    return surface_metrics(prediction, target, [spacing], [tolerance])[0]


def outline(mask):
    """Pixels with a neighbour outside, by hand."""
    padded = np.pad(mask, 1)
    inside = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    return np.argwhere(mask & ~inside)


def brute_force(prediction, target, spacing, tolerance):
    distances = cdist(outline(prediction) * spacing, outline(target) * spacing)
    there, back = distances.min(axis=1), distances.min(axis=0)
    both = np.concatenate([there, back])
    return dict(
        hd95=max(np.quantile(there, 0.95), np.quantile(back, 0.95)),
        assd=both.mean(),
        nsd=(both <= tolerance).mean(),
    )


def test_nested_squares():
    """Sides of 21 and 13 pixels, 4 apart. The small outline (48 px) is 4 from the large one everywhere. Of the large one (80 px) the 13 px of
    each side that face the small square are 4 away, and those beyond 4 to sqrt(32) at the corner."""
    beyond = np.hypot(4, np.arange(1, 5))
    distances = np.concatenate([np.full(4 * 13 + 48, 4.0), np.tile(beyond[:3], 8), np.full(4, beyond[3])])
    assert len(distances) == 128
    found = metrics(square(6), square(10), tolerance=4.0)
    assert found["assd"] == pytest.approx(distances.mean())
    assert found["nsd"] == pytest.approx(100 / 128)
    large = np.sort(np.concatenate([np.full(52, 4.0), np.tile(beyond[:3], 8), np.full(4, beyond[3])]))
    assert found["hd95"] == pytest.approx(np.quantile(large, 0.95))


@pytest.mark.parametrize("shift", [1, 5, 40])
@pytest.mark.parametrize("spacing", [(1.0, 1.0), (0.2, 0.1)])
def test_a_disc_against_a_shifted_disc(shift, spacing):
    first, second = disc(20 if shift > 20 else 30), disc(20 + shift if shift > 20 else 30 + shift)
    found = metrics(first, second[:, :SIZE], spacing, tolerance=1.5 * spacing[1])
    assert found == pytest.approx(brute_force(first, second, np.array(spacing), 1.5 * spacing[1]), rel=1e-6)
    # The farthest point of a disc is as far from the other one as the centres are.
    assert found["hd95"] <= shift * spacing[1] + 1e-6


def test_distances_in_mm_are_those_in_px_times_the_spacing():
    px, mm = metrics(disc(30), disc(37)), metrics(disc(30), disc(37), (0.08, 0.08), tolerance=0.16)
    assert mm["hd95"] == pytest.approx(0.08 * px["hd95"])
    assert mm["assd"] == pytest.approx(0.08 * px["assd"])
    assert mm["nsd"] == px["nsd"]


def test_against_monai():
    first, second = disc(28), square(9)
    one_hot = [torch.from_numpy(mask)[None, None] for mask in (first, second)]
    spacing = [0.2, 0.1]
    expected = dict(
        hd95=float(compute_hausdorff_distance(*one_hot, include_background=True, percentile=95, spacing=spacing)),
        assd=float(
            compute_average_surface_distance(*one_hot, include_background=True, symmetric=True, spacing=spacing)
        ),
        nsd=float(compute_surface_dice(*one_hot, [0.25], include_background=True, spacing=spacing)),
    )
    assert metrics(first, second, tuple(spacing), 0.25) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(("prediction", "target"), [(EMPTY, disc(30)), (disc(30), EMPTY)])
def test_a_missed_and_a_spurious_lesion_are_as_wrong_as_can_be(prediction, target):
    assert metrics(prediction, target) == pytest.approx(dict(hd95=DIAGONAL, assd=DIAGONAL, nsd=0.0))
    in_mm = metrics(prediction, target, (0.2, 0.1))
    assert in_mm["hd95"] == pytest.approx(np.hypot(59 * 0.2, 59 * 0.1))


def test_both_empty_is_right():
    assert metrics(EMPTY, EMPTY) == dict(hd95=0.0, assd=0.0, nsd=1.0)


def test_one_perfect_and_one_missed_case(make_case, make_row):
    """MONAI's own mean over them is 0, the best there is (Project-MONAI/MONAI issue 9095)."""
    measure = SurfaceMeasure()
    rows = [make_row(measure, make_case(disc(30), coarse=mask)) for mask in (disc(30), EMPTY)]
    summary = measure.summarise(rows)
    assert summary["coarse/hd95"] == pytest.approx(DIAGONAL / 2)
    assert summary["coarse/nsd"] == 0.5
    assert "coarse 1 missed (prediction empty); of 2" in "\n".join(measure.notes(rows))
    theirs = HausdorffDistanceMetric(include_background=True, percentile=95)
    for mask in (disc(30), EMPTY):
        theirs(*(torch.from_numpy(m)[None, None].float() for m in (mask, disc(30))))
    assert float(theirs.aggregate()) == 0


def test_a_spacing_is_that_of_the_native_frame(make_case, make_row):
    """The image was resized from 120 x 30 to 60 x 60: a row is twice as long as it was, a column half."""
    measure = SurfaceMeasure()
    case = make_case(disc(30), spacing=(0.1, 0.1), ori_shape=(120, 30), coarse=disc(36))
    assert case.spacing == pytest.approx((0.2, 0.05))
    row = make_row(measure, case)
    assert row["coarse_assd_mm"] == pytest.approx(metrics(disc(36), disc(30), (0.2, 0.05))["assd"])
    assert "1 of 2 images" in measure.notes([row, make_row(measure, make_case(EMPTY, coarse=EMPTY))])[-1]


def test_a_tolerance_is_no_negative_number():
    with pytest.raises(ValueError, match="tolerance_mm is -1"):
        SurfaceMeasure(tolerance_mm=-1)
