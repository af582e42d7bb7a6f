"""Coarse, refined, SAM before the gate and the difference that refinement makes, per image."""

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch.nn.functional as F
from mmengine.evaluator import BaseMetric
from mmengine.logging import MMLogger
from torch import Tensor

from ultraref.atomic import atomic_file
from ultraref.errors import UserError
from ultraref.evaluation.overlap import OVERLAP_NAMES, overlap_metrics
from ultraref.evaluation.statistics import bootstrap_mean_ci
from ultraref.evaluation.table import refinement_table
from ultraref.registry import METRICS

# A change of Dice that counts as harm or help.
CHANGE = 0.01
# Fields of the data sample, and groups under which their metrics are logged.
GROUPS = ("coarse", "refined", "sam")


@METRICS.register_module()
class RefinementMetric(BaseMetric):
    """Per-image overlap metrics of every probability that a prediction holds, averaged over images.

    Logged as `{stage}_coarse/dice`, `{stage}_refined/...`, `{stage}_sam/...` and `{stage}_delta/...` (refined minus coarse), for
    dice, iou, precision, recall, accuracy; where the images are of several data sets, also `{stage}_coarse/dice_{data set}` and so
    on. A model without refinement logs the coarse group alone. The empty-mask rule is that
    of `overlap_metrics`.

    The difference of Dice in single cases is logged as `{stage}_delta/harmed`, the share of images whose Dice falls by more than
    0.01, `{stage}_delta/helped`, the share in which it rises by more than that, and `{stage}_delta/worst`, the lowest difference
    of all: -0.25 is a fall by 0.25.

    Args:
        size: "original" compares in the image's native frame against the untouched ground truth, which the pipeline must keep
            (`PackSegInputs(keep_original=True)`); "model" compares in the frame of the model's ground truth, that of its loss; an
            integer compares at that square size. Probabilities are resized bilinearly, then thresholded; the ground truth is
            resized by nearest neighbour.
        threshold: a pixel is lesion where its probability is above it.
        stage: "val" or "test", the beginning of every metric's name.
        csv_path: writes one row an image there, or None.
        collect_device: as in MMEngine.

    Attributes:
        preface: text that is printed above the table; whoever evaluates may set it.

    Raises:
        ValueError: `size` is neither "original", "model" nor a positive integer, or a sample lacks its ground truth.
    """

    def __init__(
        self,
        size: int | str = "original",
        threshold: float = 0.5,
        stage: str = "val",
        csv_path: str | None = None,
        collect_device: str = "cpu",
    ):
        super().__init__(collect_device=collect_device)
        if size not in ("original", "model") and not (isinstance(size, int) and size > 0):
            raise UserError(f"RefinementMetric: size is {size!r}; it must be 'original', 'model' or a positive integer")
        if stage not in ("val", "test"):
            raise UserError(f"RefinementMetric: stage is {stage!r}; it must be 'val' or 'test'")
        self.size, self.threshold, self.stage, self.csv_path = size, threshold, stage, csv_path
        self.preface = ""

    def process(self, data_batch: dict, data_samples: Sequence[dict]) -> None:
        """Measures the images of one batch. `data_samples` are `SegDataSample`s as dicts."""
        for sample in data_samples:
            target = self._target(sample)
            row = dict(
                dataset=sample.get("dataset", ""), name=sample["name"], coarse_empty=sample.get("coarse_empty", False)
            )
            for group in GROUPS:
                if group in sample:
                    row[group] = overlap_metrics(self._binary(sample[group]["data"], target), target)
            self.results.append(row)

    def compute_metrics(self, results: list[dict]) -> dict[str, float]:
        """Averages over images, prints the table, and writes the CSV where one is asked for."""
        groups = [group for group in GROUPS if group in results[0]]
        if "coarse" in groups and "refined" in groups:
            groups.append("delta")
            for row in results:
                row["delta"] = {m: row["refined"][m] - row["coarse"][m] for m in OVERLAP_NAMES}
        means = _means(results, groups)
        metrics = {f"{self.stage}_{group}/{m}": means[group][m] for group in means for m in OVERLAP_NAMES}
        if "delta" in means:
            differences = [row["delta"]["dice"] for row in results]
            metrics.update({f"{self.stage}_delta/{name}": value for name, value in case_changes(differences).items()})
            low, high = bootstrap_mean_ci(differences)
            metrics[f"{self.stage}_delta/dice_ci95_low"], metrics[f"{self.stage}_delta/dice_ci95_high"] = low, high
        if self.preface:
            MMLogger.get_current_instance().info("\n" + self.preface)
        self._print(means, results)
        datasets = sorted({row["dataset"] for row in results})
        if len(datasets) > 1:
            for dataset in datasets:
                rows = [row for row in results if row["dataset"] == dataset]
                own = _means(rows, groups)
                metrics.update({f"{self.stage}_{group}/dice_{dataset}": own[group]["dice"] for group in groups})
                self._print(own, rows, dataset)
        if self.csv_path is not None:
            write_rows(self.csv_path, results, list(means))
        return metrics

    def _print(self, means: dict, results: list[dict], dataset: str = "") -> None:
        title = f"{self.stage}{dataset and ' of ' + dataset}: {len(results)} images, size {self.size}, threshold {self.threshold}"
        empty = sum(row["coarse_empty"] for row in results)
        if empty:
            title += f", {empty} with an empty coarse mask"
        MMLogger.get_current_instance().info("\n" + refinement_table(means, title))

    def _target(self, sample: dict) -> Tensor:
        field = "gt_original" if self.size == "original" else "gt_sem_seg"
        if field not in sample:
            raise UserError(
                f"RefinementMetric: sample {sample['name']!r} has no {field}; "
                + (
                    "set keep_original=True in PackSegInputs"
                    if field == "gt_original"
                    else "the pipeline loads no mask"
                )
            )
        target = sample[field]["data"]
        if isinstance(self.size, int) and target.shape[-2:] != (self.size, self.size):
            target = F.interpolate(target[None].float(), (self.size, self.size), mode="nearest-exact")[0]
        return target[0] > 0

    def _binary(self, prob: Tensor, target: Tensor) -> Tensor:
        if prob.shape[-2:] != target.shape:
            prob = F.interpolate(prob[None].float(), target.shape, mode="bilinear", align_corners=False)[0]
        return (prob[0] > self.threshold).to(target.device)


def case_changes(differences: Sequence[float]) -> dict[str, float]:
    """Returns the shares of images that are harmed and helped, and the lowest difference of Dice.

    Args:
        differences: Dice after minus Dice before, of each image.
    """
    values = np.asarray(differences)
    return {
        "harmed": float(np.mean(values < -CHANGE)),
        "helped": float(np.mean(values > CHANGE)),
        "worst": float(values.min()),
    }


def write_rows(path: str | Path, results: Sequence[dict], groups: Sequence[str]) -> None:
    """Writes one row an image: dataset, name, coarse_empty, then `group_metric` columns. Never leaves half a file behind."""
    with atomic_file(path, "w") as file:
        writer = csv.writer(file)
        writer.writerow(
            ["dataset", "name", "coarse_empty", *(f"{group}_{m}" for group in groups for m in OVERLAP_NAMES)]
        )
        for row in results:
            values = (f"{row[group][m]:.6f}" for group in groups for m in OVERLAP_NAMES)
            writer.writerow([row["dataset"], row["name"], int(row["coarse_empty"]), *values])


def _means(rows: Sequence[dict], groups: Sequence[str]) -> dict[str, dict[str, float]]:
    return {group: {m: float(np.mean([row[group][m] for row in rows])) for m in OVERLAP_NAMES} for group in groups}
