import pytest
import torch

from ultraref.evaluation.metrics import OpinionMeasure


def row(opinion, sam_dice, delta_dice, coarse_empty=False):
    return dict(opinion=opinion, sam_dice=sam_dice, delta_dice=delta_dice, coarse_empty=coarse_empty)


def test_by_hand():
    """Ranks 1 2 3 against 1 3 2: Spearman 0.5. Of the two pairs of a helped and a harmed image one is in order."""
    rows = [row(0.5, 0.1, 0.02), row(0.6, 0.9, -0.02), row(0.7, 0.8, 0.03)]
    left_out = [dict(coarse_empty=False), row(0.0, 1.0, 0.5, coarse_empty=True)]
    summary = OpinionMeasure().summarise([*rows, *left_out])
    assert summary == pytest.approx({"quality/opinion_spearman": 0.5, "quality/opinion_harm_auc": 0.5})
    assert "Spearman 0.50" in OpinionMeasure().notes(rows)[0]
    assert "AUC of 0.50" in OpinionMeasure().notes(rows)[0]
    # Nobody is harmed.
    assert OpinionMeasure().summarise(rows[:1]) == {}
    assert OpinionMeasure().notes(left_out) == []


def test_the_value_is_the_samples(make_case):
    measure, mask = OpinionMeasure(), torch.ones(2, 2)
    assert measure.measure(make_case(mask, coarse=mask, opinion=0.75)) == {"opinion": 0.75}
    assert measure.measure(make_case(mask, coarse=mask)) == {}
