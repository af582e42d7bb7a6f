"""The metric of a validation: groups, frames, the difference, and what it writes."""

import csv

import pytest
import torch

from ultraref.evaluation import RefinementMetric, refinement_table
from ultraref.evaluation.refinement_metric import case_changes
from ultraref.structures import SegDataSample


def sample(name, coarse, refined, target, original=None):
    item = SegDataSample(metainfo=dict(name=name, coarse_empty=False))
    for field, value in (("coarse", coarse), ("sam", refined), ("refined", refined), ("gt_sem_seg", target)):
        if value is not None:
            item.set_pixels(field, value[None])
    if original is not None:
        item.set_pixels("gt_original", original[None])
    return item.to_dict()


def half(rows: int, size: int = 8) -> torch.Tensor:
    mask = torch.zeros(size, size)
    mask[:rows] = 1
    return mask


def test_difference_is_refined_minus_coarse_per_image(tmp_path):
    metric = RefinementMetric(size=8, csv_path=str(tmp_path / "rows.csv"))
    metric.process({}, [sample("a", half(2), half(4), half(4)), sample("b", half(4), half(4), half(4))])
    metrics = metric.evaluate(2)
    assert metrics["val_coarse/dice"] == pytest.approx((2 * 2 / 6 + 1) / 2)
    assert metrics["val_refined/dice"] == metrics["val_sam/dice"] == 1
    assert metrics["val_delta/dice"] == pytest.approx(1 - metrics["val_coarse/dice"])
    assert 0 <= metrics["val_delta/dice_ci95_low"] <= metrics["val_delta/dice_ci95_high"] <= 1 / 3 + 1e-9
    rows = list(csv.DictReader((tmp_path / "rows.csv").open()))
    assert [row["name"] for row in rows] == ["a", "b"]
    assert float(rows[0]["delta_dice"]) == pytest.approx(1 / 3, abs=1e-6)
    assert not list(tmp_path.glob("*.partial"))


def test_difference_is_exactly_zero_for_equal_probabilities():
    metric = RefinementMetric(size=8)
    prob = torch.rand(8, 8)
    metric.process({}, [sample("a", prob, prob.clone(), half(3))])
    metrics = metric.evaluate(1)
    assert [metrics[f"val_delta/{m}"] for m in ("dice", "iou", "precision", "recall", "accuracy")] == [0.0] * 5


def test_original_size_compares_with_the_untouched_mask():
    metric = RefinementMetric(size="original")
    original = torch.zeros(4, 16)
    original[:, :8] = 1
    left = torch.zeros(8, 8)
    left[:, :4] = 1
    metric.process({}, [sample("a", left, left, left, original)])
    assert metric.evaluate(1)["val_refined/dice"] == 1


def test_the_models_frame_is_that_of_its_ground_truth():
    """A mask that covers 3 of 8 rows there, whatever the size of the probability."""
    metric = RefinementMetric(size="model")
    prob = torch.zeros(4, 4)
    prob[:2] = 1
    metric.process({}, [sample("a", prob, prob, half(3))])
    # Upsampled it covers 4 rows: 2 * 3 / (3 + 4).
    assert metric.evaluate(1)["val_refined/dice"] == pytest.approx(6 / 7)


def test_coarse_alone_has_no_difference():
    metric = RefinementMetric(size=8, stage="test")
    metric.process({}, [sample("a", half(4), None, half(4))])
    assert sorted(metric.evaluate(1)) == [
        f"test_coarse/{m}" for m in ("accuracy", "dice", "iou", "precision", "recall")
    ]


def test_several_sets_have_their_own_means():
    metric = RefinementMetric(size=8)
    items = [sample("a", half(2), half(4), half(4)), sample("b", half(4), half(4), half(4))]
    for item, dataset in zip(items, ("busi", "bus")):
        item["dataset"] = dataset
    metric.process({}, items)
    metrics = metric.evaluate(2)
    assert metrics["val_coarse/dice_busi"] == pytest.approx(2 / 3)
    assert metrics["val_delta/dice_busi"] == pytest.approx(1 / 3)
    assert metrics["val_coarse/dice_bus"] == 1


def test_missing_ground_truth_says_what_to_set():
    with pytest.raises(ValueError, match="keep_original=True"):
        RefinementMetric(size="original").process({}, [sample("a", half(4), half(4), half(4))])


@pytest.mark.parametrize("options", [dict(size="big"), dict(size=0), dict(stage="train")])
def test_bad_options(options):
    with pytest.raises(ValueError, match="must be"):
        RefinementMetric(**options)


def test_table_shows_signs_and_the_average():
    names = ("dice", "iou", "precision", "recall", "accuracy")
    means = {
        "coarse": dict.fromkeys(names, 0.5),
        "refined": dict.fromkeys(names, 0.75),
        "delta": dict.fromkeys(names, 0.25),
    }
    text = refinement_table(means, "two images")
    assert text.splitlines()[0] == "two images"
    assert "+0.2500" in text
    assert "Average improvement: +0.2500 (refinement helps)" in text


def test_changes_in_single_cases():
    """Of 5 images one falls by more than 0.01, two rise by more; 0.01 itself counts as no change."""
    assert case_changes([-0.25, -0.01, 0.0, 0.02, 0.5]) == {"harmed": 0.2, "helped": 0.4, "worst": -0.25}
    assert case_changes([0.1, 0.2]) == {"harmed": 0.0, "helped": 1.0, "worst": 0.1}


def test_harm_and_help_are_those_of_dice(capsys):
    metric = RefinementMetric(size=8, stage="test")
    # Dice of rows 0..k against rows 0..3: 2 rows 2/3, 4 rows 1.
    metric.process({}, [sample("a", half(2), half(4), half(4)), sample("b", half(4), half(2), half(4))])
    metric.process({}, [sample("c", half(4), half(4), half(4)), sample("d", half(2), half(2), half(4))])
    metric.preface = "busi: presumed seen by lite_medsam (because)"
    metrics = metric.evaluate(4)
    assert metrics["test_delta/harmed"] == 0.25
    assert metrics["test_delta/helped"] == 0.25
    assert metrics["test_delta/worst"] == pytest.approx(-1 / 3)
