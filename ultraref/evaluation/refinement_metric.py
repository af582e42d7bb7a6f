"""Coarse, refined, SAM before the gate and the difference that refinement makes, per image."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch.nn.functional as F
from mmengine.evaluator import BaseMetric
from mmengine.logging import MMLogger
from torch import Tensor

from ultraref.errors import UserError
from ultraref.evaluation.case import Case
from ultraref.evaluation.case_table import case_columns, write_cases
from ultraref.evaluation.metrics import BaseMeasure
from ultraref.evaluation.normals import describe_normals, measure_normal, summarise_normals
from ultraref.evaluation.statistics import IMAGE, resampling_of
from ultraref.evaluation.table import TableRow, refinement_table
from ultraref.registry import METRICS

# The table of the images without a lesion, beside that of cases; and what marks their rows until then.
NORMALS_NAME = "normals.csv"
_NORMAL = "_normal"
# What the quick look of a validation takes; the recipes' tests name more.
DEFAULT_MEASURES = dict(overlap=dict(type="OverlapMeasure"), changes=dict(type="ChangeMeasure"))


@METRICS.register_module()
class RefinementMetric(BaseMetric):
    """One table of cases, a row an image, to which measures add columns; its means, printed, logged and written as CSV.

    Every probability that a prediction holds is measured. Metrics are logged as `{stage}_coarse/dice`, `{stage}_refined/...`,
    `{stage}_sam/...` and `{stage}_delta/...` (refined minus coarse); where the images are of several data sets, also
    `{stage}_coarse/dice_{data set}` and so on, and their mean over sets, `{stage}_coarse/dice_macro`. A model without refinement logs the
    coarse group alone. Images that a set calls normal are measured by false alarms alone (`ultraref.evaluation.normals`):
    `{stage}_refined/normal_alarms` and `normal_false_area`. What each metric is, its rules for empty masks among it: docs/reference/metrics.md.

    Args:
        size: "original" compares in the image's native frame against the untouched ground truth, which the pipeline must keep
            (`PackSegInputs(keep_original=True)`); "model" compares in the frame of the model's ground truth, that of its loss; an
            integer compares at that square size. Probabilities are resized bilinearly, then thresholded; the ground truth is
            resized by nearest neighbour.
        threshold: a pixel is lesion where its probability is above it.
        stage: "val" or "test", the beginning of every metric's name.
        measures: name -> config of a measure (`ultraref.evaluation.metrics.BaseMeasure`); None leaves one out. By default overlap and
            changes.
        csv_path: writes one row an image there, and one of each normal into normals.csv beside it; or None.
        collect_device: as in MMEngine.

    Attributes:
        preface: text that is printed above the table; whoever evaluates may set it.
        details: what metrics.json says beside the metrics, in plain types: how was measured, and what the measures give a report.

    Raises:
        ValueError: `size` is neither "original", "model" nor a positive integer, a measure lacks another, or a sample lacks its ground
            truth.
    """

    def __init__(
        self,
        size: int | str = "original",
        threshold: float = 0.5,
        stage: str = "val",
        measures: Mapping[str, dict | None] | None = None,
        csv_path: str | None = None,
        collect_device: str = "cpu",
    ):
        super().__init__(collect_device=collect_device)
        if size not in ("original", "model") and not (isinstance(size, int) and size > 0):
            raise UserError(f"RefinementMetric: size is {size!r}; it must be 'original', 'model' or a positive integer")
        if stage not in ("val", "test"):
            raise UserError(f"RefinementMetric: stage is {stage!r}; it must be 'val' or 'test'")
        self.size, self.threshold, self.stage, self.csv_path = size, threshold, stage, csv_path
        configs = DEFAULT_MEASURES if measures is None else measures
        self.measures = {name: _build(name, config) for name, config in configs.items() if config is not None}
        self._check_needs()
        self.preface = ""
        self.details: dict = {}

    @property
    def table(self) -> dict[str, TableRow]:
        """The rows of the printed table by metric."""
        return {metric: row for measure in self.measures.values() for metric, row in measure.table.items()}

    def process(self, data_batch: dict, data_samples: Sequence[dict]) -> None:
        """Measures the images of one batch. `data_samples` are `SegDataSample`s as dicts."""
        for sample in data_samples:
            case = Case(sample, self._target(sample), self.threshold)
            row = _describe(case)
            if case.is_normal:
                self.results.append({**row, **measure_normal(case), _NORMAL: True})
                continue
            for measure in self.measures.values():
                row.update(measure.measure(case))
            for measure in self.measures.values():
                row.update(_differences(row, measure.per_image))
            self.results.append(row)

    def compute_metrics(self, results: list[dict]) -> dict[str, float]:
        """Summarises the table, prints it, and writes the CSV where one is asked for."""
        normals = [row for row in results if row.get(_NORMAL)]
        results = [row for row in results if not row.get(_NORMAL)]
        summary = self._summarise(results)
        if self.preface:
            MMLogger.get_current_instance().info("\n" + self.preface)
        datasets = sorted({row["dataset"] for row in results})
        self._print(summary, results, normals, datasets[0] if len(datasets) == 1 else "")
        summary = {**summary, **summarise_normals(normals)}
        own = {}
        if len(datasets) > 1:
            for dataset in datasets:
                rows, without = ([row for row in part if row["dataset"] == dataset] for part in (results, normals))
                own[dataset] = self._summarise(rows)
                self._print(own[dataset], rows, without, dataset)
                own[dataset].update(summarise_normals(without), images=len(rows), normals=len(without))
        metrics = {f"{self.stage}_{name}": value for name, value in summary.items()}
        metrics.update({f"{self.stage}_{name}": value for name, value in _by_set(own).items()})
        self.details = self._describe_measurement(results)
        self.details["measured"]["normals"] = len(normals)
        if own:
            self.details["sets"] = own
        for measure in self.measures.values():
            self.details.update(measure.details(results))
        if self.csv_path is not None:
            write_cases(self.csv_path, results)
            beside = Path(self.csv_path).with_name(NORMALS_NAME)
            if normals:
                write_cases(beside, normals)
            else:
                # That of an earlier test.
                beside.unlink(missing_ok=True)
        return metrics

    def _summarise(self, rows: list[dict]) -> dict[str, float]:
        return {name: value for measure in self.measures.values() for name, value in measure.summarise(rows).items()}

    def _print(self, summary: dict[str, float], rows: list[dict], normals: list[dict], dataset: str = "") -> None:
        units = resampling_of(rows)
        # The units that intervals are about, where they aren't the images themselves.
        count = f"{len(rows)} images" + ("" if units.unit == IMAGE else f" ({units})")
        title = f"{self.stage}{dataset and ' of ' + dataset}: {count}, size {self.size}, threshold {self.threshold}"
        empty = sum(row["coarse_empty"] for row in rows)
        if empty:
            title += f", {empty} with an empty coarse mask"
        means: dict[str, dict[str, float]] = {}
        for name, value in summary.items():
            group, metric = name.split("/", 1)
            means.setdefault(group, {})[metric] = value
        notes = [note for measure in self.measures.values() for note in measure.notes(rows)]
        # Measures that share a note say it once.
        text = "\n".join(
            [refinement_table(means, title, self.table), *dict.fromkeys(notes), *describe_normals(normals)]
        )
        MMLogger.get_current_instance().info("\n" + text)

    def _describe_measurement(self, rows: list[dict]) -> dict:
        units = resampling_of(rows)
        meta = getattr(self, "dataset_meta", None) or {}
        metrics = {
            metric: dict(
                label=row.label,
                decimals=row.decimals,
                lower_is_better=row.lower_is_better,
                bounded=row.bounded,
                rule=measure.rule,
            )
            for measure in self.measures.values()
            for metric, row in measure.table.items()
        }
        return {
            "measured": {
                "size": self.size,
                "threshold": self.threshold,
                "images": len(rows),
                "resampled": units.unit,
                "units": units.count,
                "splits": {part.get("dataset", ""): part.get("splits_hash") for part in meta.get("datasets", [meta])},
                "metrics": metrics,
            }
        }

    def _check_needs(self) -> None:
        for name, measure in self.measures.items():
            for needed in measure.needs:
                if not any(isinstance(other, needed) for other in self.measures.values()):
                    raise UserError(
                        f"RefinementMetric: measures.{name} reads what {needed.__name__} measures, and there is none; add one, or set "
                        f"measures.{name} to None"
                    )

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


def _build(name: str, config: dict) -> BaseMeasure:
    measure = METRICS.build(config)
    if not isinstance(measure, BaseMeasure):
        raise UserError(
            f"RefinementMetric: measures.{name} is a {type(measure).__name__}, which is no measure; a measure derives from "
            "ultraref.evaluation.metrics.BaseMeasure"
        )
    return measure


def _describe(case: Case) -> dict:
    """Returns the columns that say which image it is, and what is known of it before any model."""
    sample = case.sample
    row = dict(
        dataset=sample.get("dataset", ""),
        name=sample["name"],
        hash=sample.get("pixels_hash") or sample.get("image_hash") or "",
        group=sample.get("group") or "",
        group_kind=sample.get("group_kind") or "",
        **case_columns(sample.get("attributes")),
        lesion_area=case.lesion_area,
        coarse_empty=bool(sample.get("coarse_empty", False)),
    )
    row.update({f"{group}_emptiness": case.emptiness(group) for group in case.masks})
    return row


def _differences(row: Mapping, names: Sequence[str]) -> dict[str, float]:
    """Returns refined minus coarse of those metrics that the row has of both."""
    pairs = {name: (row.get(f"coarse_{name}"), row.get(f"refined_{name}")) for name in names}
    return {f"delta_{name}": new - old for name, (old, new) in pairs.items() if old is not None and new is not None}


def _by_set(own: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    """Returns mean Dice of each set, and the mean of those, in which every set weighs the same."""
    found: dict[str, float] = {}
    for group in ("coarse", "refined", "sam", "delta"):
        values = {dataset: summary.get(f"{group}/dice") for dataset, summary in own.items()}
        if values and None not in values.values():
            found.update({f"{group}/dice_{dataset}": value for dataset, value in values.items()})
            found[f"{group}/dice_macro"] = sum(values.values()) / len(values)
    return found
