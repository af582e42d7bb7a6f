"""The metric of a validation: groups, frames, the difference, and what it writes."""

import csv

import pytest
import torch

from ultraref.evaluation import RefinementMetric, refinement_table
from ultraref.evaluation.case_table import read_cases
from ultraref.evaluation.metrics import BaseMeasure
from ultraref.registry import METRICS
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
        f"test_coarse/{m}" for m in ("accuracy", "dice", "iou", "precision", "recall", "specificity")
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


FULL = {
    name: dict(type=f"{kind}Measure")
    for name, kind in dict(
        overlap="Overlap",
        changes="Change",
        surface="Surface",
        lesions="Lesion",
        calibration="Calibration",
        quality="Quality",
    ).items()
}


def test_all_measures_share_one_table(tmp_path):
    metric = RefinementMetric(size=8, stage="test", measures=FULL, csv_path=str(tmp_path / "rows.csv"))
    items = [sample(name, half(2), half(rows), half(4)) for name, rows in (("a", 4), ("b", 3), ("c", 0))]
    for item, predicted in zip(items, (0.9, 0.8, 0.1)):
        item.update(
            dataset="busbra",
            predicted_iou=predicted,
            group="p1",
            group_kind="patient",
            pixels_hash=item["name"] * 64,
            attributes={"class": "benign"},
        )
    metric.process({}, items)
    metrics = metric.evaluate(3)
    # The third image's lesion is missed: diagonal of 8 x 8 pixels.
    assert metrics["test_refined/hd95"] == pytest.approx((0 + 1 + 2**0.5 * 7) / 3)
    assert metrics["test_delta/hd95"] == pytest.approx((0 + 1 + 2**0.5 * 7 - 3 * 2) / 3)
    assert metrics["test_refined/lesion_sensitivity"] == pytest.approx(2 / 3)
    assert metrics["test_refined/brier"] == pytest.approx((0 + 8 / 64 + 32 / 64) / 3)
    assert metrics["test_quality/spearman"] == 1
    rows = read_cases(tmp_path / "rows.csv")
    assert [row["refined_hd95"] for row in rows] == pytest.approx([0, 1, 2**0.5 * 7], abs=1e-6)
    assert rows[2]["refined_emptiness"] == "prediction"
    assert rows[0]["refined_emptiness"] is None
    assert (rows[0]["group"], rows[0]["case_class"], rows[0]["hash"]) == ("p1", "benign", "a" * 64)
    assert not any(name.startswith("_") for name in rows[0])
    measured = metric.details["measured"]
    assert (measured["size"], measured["resampled"], measured["units"]) == (8, "patient", 1)
    assert measured["metrics"]["hd95"]["lower_is_better"]
    assert "diagonal" in measured["metrics"]["assd"]["rule"]
    assert set(metric.details["calibration"]["groups"]) == {"coarse", "refined", "sam"}


def test_the_printed_result_has_the_rules(monkeypatch):
    said = []
    monkeypatch.setattr("mmengine.logging.MMLogger.info", lambda self, text: said.append(text))
    metric = RefinementMetric(size=8, stage="test", measures=FULL)
    metric.process({}, [sample("a", half(0), half(4), half(4)), sample("b", half(4), half(4), half(4))])
    metric.evaluate(2)
    (text,) = said
    assert "HD95 (px)" in text
    assert "the image's diagonal" in text
    assert text.count("with an empty mask: coarse 1 missed (prediction empty); refined none; sam none; of 2") == 1
    assert "2 images resampled" in text
    assert "2 true lesions in 2 images" in text


def test_a_measure_of_ones_own_is_one_class():
    @METRICS.register_module(force=True)
    class AreaMeasure(BaseMeasure):
        per_image = ("area",)

        def measure(self, case):
            return {f"{group}_area": float(mask.sum()) for group, mask in case.masks.items()}

    metric = RefinementMetric(size=8, measures=dict(area=dict(type="AreaMeasure"), left_out=None))
    metric.process({}, [sample("a", half(2), half(4), half(4))])
    assert metric.evaluate(1) == {
        "val_coarse/area": 16,
        "val_refined/area": 32,
        "val_sam/area": 32,
        "val_delta/area": 16,
    }
    METRICS.module_dict.pop("AreaMeasure")


def test_what_a_measure_needs_must_be_there():
    with pytest.raises(ValueError, match=r"measures\.changes reads what OverlapMeasure measures"):
        RefinementMetric(measures=dict(changes=dict(type="ChangeMeasure")))
    with pytest.raises(ValueError, match=r"measures\.x is a RefinementMetric, which is no measure"):
        RefinementMetric(measures=dict(x=dict(type="RefinementMetric")))


def test_every_set_weighs_the_same_in_the_macro_mean():
    metric = RefinementMetric(size=8)
    items = [sample(name, half(rows), half(4), half(4)) for name, rows in (("a", 2), ("b", 4), ("c", 4))]
    for item, dataset in zip(items, ("busi", "bus", "bus")):
        item["dataset"] = dataset
    metric.process({}, items)
    assert metric.evaluate(3)["val_coarse/dice_macro"] == pytest.approx((2 / 3 + 1) / 2)


def test_normals_are_judged_by_false_alarms_and_stay_out_of_every_mean(tmp_path):
    """Two lesions, and three images without one: in them 0, 16 and 32 of 64 pixels are found by the coarse mask."""
    lesions = [sample("a", half(2), half(4), half(4)), sample("b", half(4), half(4), half(4))]
    normals = [dict(sample(f"n{rows}", half(rows), half(0), half(0)), normal=True) for rows in (0, 2, 4)]
    alone = RefinementMetric(size=8, stage="test")
    alone.process({}, lesions)
    expected = alone.evaluate(2)
    metric = RefinementMetric(size=8, stage="test", csv_path=str(tmp_path / "metrics.csv"))
    metric.process({}, [*normals, *lesions])
    metrics = metric.evaluate(5)
    assert {name: value for name, value in metrics.items() if "normal" not in name} == expected
    assert metrics["test_coarse/normal_alarms"] == pytest.approx(2 / 3)
    assert metrics["test_coarse/normal_false_area"] == 16
    assert metrics["test_refined/normal_alarms"] == metrics["test_refined/normal_false_area"] == 0
    assert metrics["test_coarse/normal_alarms_ci95_low"] <= 2 / 3 <= metrics["test_coarse/normal_alarms_ci95_high"]
    assert (metric.details["measured"]["images"], metric.details["measured"]["normals"]) == (2, 3)
    assert [row["name"] for row in read_cases(tmp_path / "metrics.csv")] == ["a", "b"]
    assert [row["coarse_false_area"] for row in read_cases(tmp_path / "normals.csv")] == [0, 16, 32]
    assert [row["coarse_false_share"] for row in read_cases(tmp_path / "normals.csv")] == [0, 0.25, 0.5]
    again = RefinementMetric(size=8, stage="test", csv_path=str(tmp_path / "metrics.csv"))
    again.process({}, lesions)
    again.evaluate(2)
    assert not (tmp_path / "normals.csv").exists()


def test_all_that_is_known_of_a_set_is_told_of_each_set():
    def case(name, dataset, rows, **more):
        return dict(sample(name, half(rows), half(rows), half(4)), dataset=dataset, **more)

    metric = RefinementMetric(size=8, stage="test")
    metric.process({}, [case("a", "busi", 4), case("a", "udiat", 2), case("n", "udiat", 1, normal=True)])
    metrics = metric.evaluate(3)
    sets = metric.details["sets"]
    assert metrics["test_refined/dice_busi"] == sets["busi"]["refined/dice"] == 1
    assert sets["udiat"]["refined/iou"] == pytest.approx(1 / 2)
    assert (sets["udiat"]["images"], sets["udiat"]["normals"], sets["busi"]["normals"]) == (1, 1, 0)
    assert sets["udiat"]["refined/normal_alarms"] == 1
    assert "refined/normal_alarms" not in sets["busi"]
