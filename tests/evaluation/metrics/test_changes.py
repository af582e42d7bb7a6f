"""Harm and help in single images."""

import numpy as np
import pytest

from ultraref.evaluation.metrics import ChangeMeasure, case_changes
from ultraref.evaluation.statistics import bootstrap_mean_ci


def rows_of(differences, **columns):
    return [dict(dataset="busi", name=str(i), delta_dice=value, **columns) for i, value in enumerate(differences)]


def test_shares_by_hand():
    """Of 5 images one falls by more than 0.01 and 0.05, two rise by more than 0.01, one of them by more than 0.05; 0.01 itself counts as
    no change."""
    assert case_changes([-0.25, -0.01, 0.0, 0.02, 0.5]) == {
        "harmed": 0.2,
        "harmed_5": 0.2,
        "helped": 0.4,
        "helped_5": 0.2,
        "worst": -0.25,
    }
    assert case_changes([-0.02, 0.04])["harmed_5"] == 0
    assert case_changes([0.1, 0.2])["worst"] == 0.1


def test_score_weighs_gain_against_harm():
    rows = rows_of([-0.25, -0.02, 0.0, 0.02, 0.5])
    assert ChangeMeasure().summarise(rows)["delta/score"] == pytest.approx(0.05 - 0.1 * 0.4)
    assert ChangeMeasure(harm_weight=0).summarise(rows)["delta/score"] == pytest.approx(0.05)


def test_intervals_are_of_the_shares():
    values = np.random.default_rng(0).normal(0.01, 0.03, 80)
    summary = ChangeMeasure().summarise(rows_of(values))
    for name, column in (("dice", values), ("harmed", values < -0.01), ("harmed_5", values < -0.05)):
        interval = summary[f"delta/{name}_ci95_low"], summary[f"delta/{name}_ci95_high"]
        assert interval == pytest.approx(bootstrap_mean_ci(column))


def test_patients_are_drawn_whole():
    rows = rows_of([0.1, 0.1, -0.1, -0.1], group_kind="patient")
    for row, patient in zip(rows, "aabb"):
        row["group"] = patient
    summary = ChangeMeasure().summarise(rows)
    # With probability 1/4 each, both draws are of one patient.
    assert (summary["delta/harmed_ci95_low"], summary["delta/harmed_ci95_high"]) == (0, 1)
    assert "2 patients resampled" in ChangeMeasure().notes(rows)[0]


def test_nothing_is_said_without_refinement():
    rows = [dict(name="a", coarse_dice=0.5)]
    assert ChangeMeasure().summarise(rows) == {}
    assert ChangeMeasure().notes(rows) == []
