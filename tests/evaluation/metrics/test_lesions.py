"""Lesions counted by hand."""

import numpy as np
import pytest

from ultraref.evaluation.metrics import LesionMeasure
from ultraref.evaluation.metrics.lesions import match_lesions


def blobs(*corners, side=4) -> np.ndarray:
    mask = np.zeros((40, 40), dtype=bool)
    for row, column in corners:
        mask[row : row + side, column : column + side] = True
    return mask


@pytest.mark.parametrize(
    ("prediction", "target", "expected"),
    [
        (blobs((2, 2), (20, 20)), blobs((2, 2), (20, 20)), (2, 0, 2)),
        # A missed and a spurious lesion.
        (blobs((2, 2), (30, 30)), blobs((2, 2), (20, 20)), (1, 1, 2)),
        (blobs(), blobs((2, 2)), (0, 0, 1)),
        (blobs((2, 2)), blobs(), (0, 1, 0)),
        (blobs(), blobs(), (0, 0, 0)),
        # A pixel in common is 1 / 31, two columns are 8 / 24.
        (blobs((5, 5)), blobs((2, 2)), (0, 1, 1)),
        (blobs((2, 4)), blobs((2, 2)), (1, 0, 1)),
        # The whole image floods both, and finds none.
        (np.ones((40, 40), dtype=bool), blobs((2, 2), (20, 20)), (0, 1, 2)),
        # One blob over two lesions finds one of them; a lesion in two pieces is found once.
        (blobs((2, 2), (2, 6), (2, 10)), blobs((2, 2), (2, 10)), (1, 0, 2)),
        (blobs((2, 2), (2, 10)), blobs((2, 2), (2, 6), (2, 10)), (1, 1, 1)),
        # Corners that touch are one lesion.
        (blobs((2, 2), (6, 6)), blobs((2, 2), (6, 6)), (1, 0, 1)),
    ],
)
def test_pairs_by_hand(prediction, target, expected):
    assert match_lesions(prediction, target, 0.1) == expected


def test_rates(make_case, make_row):
    measure = LesionMeasure()
    pairs = [
        (blobs((2, 2)), blobs((2, 2), (20, 20))),
        (blobs((2, 2), (20, 20)), blobs((20, 20))),
        (blobs((2, 2)), blobs()),
        (blobs(), blobs()),
    ]
    rows = [make_row(measure, make_case(target, coarse=prediction, refined=target)) for prediction, target in pairs]
    summary = measure.summarise(rows)
    assert summary["coarse/lesion_sensitivity"] == pytest.approx(2 / 3)
    assert summary["coarse/false_lesions"] == 2 / 4
    assert summary["coarse/false_alarms"] == 1 / 2
    assert summary["refined/lesion_sensitivity"] == 1
    assert summary["delta/false_alarms"] == -1 / 2
    assert "3 true lesions in 4 images, 2 images without one" in measure.notes(rows)[0]
    # Where all images have a lesion there is no rate of false alarms.
    assert "coarse/false_alarms" not in measure.summarise(rows[:2])


@pytest.mark.parametrize("min_iou", [0, 1.1])
def test_an_iou_out_of_range(min_iou):
    with pytest.raises(ValueError, match="min_iou"):
        LesionMeasure(min_iou)
