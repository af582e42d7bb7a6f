"""Predicted Dice against the real one."""

import numpy as np
import pytest
import torch

from ultraref.evaluation.metrics import PredictedDiceMeasure, helped_before_harmed


def row(predicted, real, harm=0.5, delta=None):
    pairs = zip(("coarse", "sam"), predicted, real)
    found = {key: value for name, p, r in pairs for key, value in ((f"predicted_dice_{name}", p), (f"{name}_dice", r))}
    return {**found, "predicted_harm": harm, "delta_dice": delta}


def test_by_hand():
    """Coarse ranks 1 2 3 against 1 3 2: Spearman 0.5; SAM's in order. One helped image above both harmed ones, one between: 3 of 4."""
    rows = [
        row((0.5, 0.9), (0.1, 0.9), 0.1, delta=0.1),
        row((0.6, 0.7), (0.9, 0.6), 0.3, delta=-0.05),
        row((0.7, 0.6), (0.8, 0.5), 0.6, delta=-0.02),
        {"coarse_dice": 0.3, "sam_dice": 0.3, "delta_dice": 0.2},
    ]
    rows.append(row((0.8, 0.85), (0.85, 0.8), 0.5, delta=0.02))
    summary = PredictedDiceMeasure().summarise(rows)
    assert summary["quality/harm_auc"] == 0.75
    assert summary["quality/dice_spearman_sam"] == pytest.approx(1.0)
    # Ranks 1 2 3 4 against 1 4 2 3: 1 - 6 * (4 + 1 + 1) / (4 * 15).
    assert summary["quality/dice_spearman_coarse"] == pytest.approx(0.4)
    assert summary["quality/dice_mae_sam"] == pytest.approx((0 + 0.1 + 0.1 + 0.05) / 4)
    assert "4 of 5 images" in PredictedDiceMeasure().notes(rows)[0]


def test_ties_count_half_and_small_changes_not_at_all():
    scores, differences = np.array([0.5, 0.5, 0.9]), np.array([0.1, -0.1, -0.005])
    assert helped_before_harmed(scores, differences) == 0.5
    assert helped_before_harmed(scores, np.abs(differences)) is None


def test_a_model_without_a_head_says_nothing():
    rows = [{"coarse_dice": 0.3, "sam_dice": 0.3, "delta_dice": 0.0}] * 4
    assert PredictedDiceMeasure().summarise(rows) == {}
    assert PredictedDiceMeasure().notes(rows) == []


def test_the_prediction_is_the_samples(make_case):
    measure, mask = PredictedDiceMeasure(), torch.ones(2, 2)
    columns = measure.measure(make_case(mask, sam=mask, predicted_dice=(0.5, 0.75), predicted_harm=0.25))
    assert columns == {"predicted_dice_coarse": 0.5, "predicted_dice_sam": 0.75, "predicted_harm": 0.25}
    assert measure.measure(make_case(mask, sam=mask)) == {}
    assert measure.measure(make_case(mask, sam=mask, predicted_dice=None)) == {}
