"""Brier score and calibration error of probabilities whose answer is known."""

import numpy as np
import pytest
import torch

from ultraref.evaluation.metrics import CalibrationMeasure


def test_by_hand(make_case, make_row):
    """Four pixels: of the two at 0.8 one is lesion, those at 0.1 aren't."""
    measure = CalibrationMeasure(num_bins=10)
    prob = np.array([[0.8, 0.8], [0.1, 0.1]])
    rows = [make_row(measure, make_case([[1, 0], [0, 0]], coarse=prob))]
    summary = measure.summarise(rows)
    assert summary["coarse/brier"] == pytest.approx((0.2**2 + 0.8**2 + 2 * 0.1**2) / 4)
    assert summary["coarse/ece"] == pytest.approx(0.5 * abs(0.8 - 0.5) + 0.5 * 0.1)
    diagram = measure.details(rows)["calibration"]["groups"]["coarse"]
    assert diagram["share"][8] == 0.5
    assert (diagram["probability"][8], diagram["lesion"][8]) == (pytest.approx(0.8), 0.5)
    assert diagram["probability"][5] is None


def test_a_probability_that_means_what_it_says(make_case, make_row):
    """Pixels drawn with their own probability: no calibration error, Brier score E[p (1 - p)] = 1/6 for a uniform p."""
    rng = np.random.default_rng(0)
    measure = CalibrationMeasure()
    prob = rng.random((400, 400))
    summary = measure.summarise([make_row(measure, make_case(rng.random((400, 400)) < prob, refined=prob))])
    assert summary["refined/ece"] < 0.01
    assert summary["refined/brier"] == pytest.approx(1 / 6, abs=0.005)


def test_errors_of_opposite_sign_cancel_over_images_and_large_images_weigh_the_same(make_case, make_row):
    """At p = 0.5 one image is all lesion, the other, four times as large, none: together that is calibrated."""
    measure = CalibrationMeasure()
    rows = [
        make_row(measure, make_case(torch.ones(4, 4), coarse=torch.full((4, 4), 0.5))),
        make_row(measure, make_case(torch.zeros(8, 8), coarse=torch.full((8, 8), 0.5))),
    ]
    assert measure.summarise(rows)["coarse/ece"] == pytest.approx(0, abs=1e-12)
    assert measure.summarise(rows[:1])["coarse/ece"] == 0.5


def test_certainty_is_in_the_last_bin(make_case, make_row):
    measure = CalibrationMeasure(num_bins=1)
    row = make_row(measure, make_case(torch.ones(2, 2), coarse=torch.ones(2, 2), refined=torch.zeros(2, 2)))
    summary = measure.summarise([row])
    assert (summary["coarse/ece"], summary["refined/ece"], summary["delta/ece"]) == (0, 1, 1)
    with pytest.raises(ValueError, match="num_bins is 0"):
        CalibrationMeasure(0)
