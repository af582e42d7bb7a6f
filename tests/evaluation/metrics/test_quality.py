"""Predicted against real IoU."""

import pytest
import torch

from ultraref.evaluation.metrics import QualityMeasure


def row(predicted, real, empty=False, group="sam"):
    return {"predicted_iou": predicted, f"{group}_iou": real, "coarse_empty": empty}


def test_by_hand():
    """Ranks 1 2 3 against 1 3 2: Spearman 1 - 6 * 2 / (3 * 8). The image that SAM wasn't asked about and the empty one don't count."""
    rows = [row(0.5, 0.1), row(0.6, 0.9), row(0.7, 0.8), row(None, 0.0), row(0.9, 0.0, empty=True)]
    measure = QualityMeasure()
    summary = measure.summarise(rows)
    assert summary["quality/spearman"] == pytest.approx(0.5)
    assert summary["quality/pearson"] == pytest.approx(
        torch.corrcoef(torch.tensor([[0.5, 0.6, 0.7], [0.1, 0.9, 0.8]]))[0, 1]
    )
    assert "3 of 5 images" in measure.notes(rows)[0]


def test_a_model_without_sam_is_judged_by_its_result():
    assert QualityMeasure().summarise([row(p, p, group="refined") for p in (0.1, 0.2, 0.4)])["quality/pearson"] == 1


@pytest.mark.parametrize("values", [[0.1, 0.2], [0.5, 0.5, 0.5]])
def test_what_says_nothing_is_left_out(values):
    rows = [row(value, value) for value in values]
    assert QualityMeasure().summarise(rows) == {}
    assert QualityMeasure().notes(rows) == []


def test_the_prediction_is_the_samples(make_case):
    measure = QualityMeasure()
    assert measure.measure(make_case(torch.ones(2, 2), sam=torch.ones(2, 2), predicted_iou=0.75)) == {
        "predicted_iou": 0.75
    }
    assert measure.measure(make_case(torch.ones(2, 2), sam=torch.ones(2, 2))) == {}
    half = torch.tensor([[1.0, 1.0], [0.0, 0.0]])
    assert measure.measure(make_case(half, sam=torch.ones(2, 2), coarse=half)) == {"agreement": 0.5}
