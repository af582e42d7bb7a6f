import pytest
import torch

from ultraref.evaluation.metrics import ConsistencyMeasure


def test_by_hand():
    """Ranks 1 2 3 against 1 3 2: Spearman 0.5; of a model that doesn't refine, by its coarse mask."""
    rows = [dict(consistency=c, refined_dice=d) for c, d in ((0.5, 0.1), (0.6, 0.9), (0.7, 0.8))]
    assert ConsistencyMeasure().summarise([*rows, dict(refined_dice=0.0)])[
        "quality/consistency_spearman"
    ] == pytest.approx(0.5)
    assert "Spearman 0.50" in ConsistencyMeasure().notes(rows)[0]
    coarse = [dict(consistency=row["consistency"], coarse_dice=row["refined_dice"]) for row in rows]
    assert ConsistencyMeasure().summarise(coarse)["quality/consistency_spearman"] == pytest.approx(0.5)
    assert ConsistencyMeasure().summarise(rows[:2]) == {}
    assert ConsistencyMeasure().notes([dict(refined_dice=0.5)] * 4) == []


def test_the_value_is_the_samples(make_case):
    measure, mask = ConsistencyMeasure(), torch.ones(2, 2)
    assert measure.measure(make_case(mask, coarse=mask, consistency=0.75)) == {"consistency": 0.75}
    assert measure.measure(make_case(mask, coarse=mask)) == {}
