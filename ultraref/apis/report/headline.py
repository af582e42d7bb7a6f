"""The headline: all that was measured on the same images in one table, with intervals."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ultraref.apis.report.study import TestedRun
from ultraref.apis.report.tables import ReportTable, number, with_interval
from ultraref.evaluation.statistics import bootstrap_means, percentile_interval, resampling_of

# Beside Dice, those of them that were measured.
_FURTHER = ("iou", "hd95")
# Dice of two coarse masks that differ by less are those of one network.
_SAME = 1e-6
BASELINES = (
    "What the runs measured stands here and nothing else. SAM with the true boxes (the upper bound) and SAM without training have a row "
    "where a run of them was given: refine/true_box.py, and a test without a checkpoint."
)


@dataclass(frozen=True)
class _Line:
    """A row of the table: a group of predictions of a run."""

    result: str
    model: str
    run: TestedRun
    group: str


def same_images(runs: Sequence[TestedRun]) -> list[list[TestedRun]]:
    """Returns the runs in parts that were measured on the same images in the same way, in order."""
    parts: dict[tuple, list[TestedRun]] = {}
    for run in runs:
        cases = frozenset((*key, row.get("hash")) for key, row in run.run.cases().items())
        measured = run.run.measured
        parts.setdefault((cases, str(measured.get("size")), measured.get("threshold")), []).append(run)
    return list(parts.values())


def headline_tables(runs: Sequence[TestedRun]) -> list[ReportTable]:
    """Returns a table for each part of `same_images`, and one of the sets where a test is of several."""
    parts = same_images(runs)
    tables = []
    for index, part in enumerate(parts, 1):
        tables.append(_table(part, "headline" if len(parts) == 1 else f"headline_{index}"))
    by_set = _by_set(runs)
    return [*tables, *([by_set] if by_set else [])]


def describe_images(run: TestedRun) -> str:
    """Returns what was tested on, in words: "102 images of phantoms (97 duplicate groups)"."""
    rows = run.run.rows
    units = resampling_of(rows)
    sets = ", ".join(sorted({str(row["dataset"]) for row in rows if row["dataset"]}))
    count = "" if units.unit == "image" else f" ({units})"
    return f"{len(rows)} image{'s' if len(rows) > 1 else ''}{f' of {sets}' if sets else ''}{count}"


def _table(runs: Sequence[TestedRun], name: str) -> ReportTable:
    first = runs[0].run
    described = first.measured.get("metrics") or {}
    further = [metric for metric in _FURTHER if metric in described]
    head = ["Result", "Run", "Dice (95 % interval)", "Dice minus coarse (95 % interval)"]
    head += [str(described[metric]["label"]) for metric in further]
    rows = [_row(line, further, described) for line in _lines(runs)]
    units = resampling_of(first.rows)
    notes = [
        f"Means over images, compared at size {first.measured.get('size')}, threshold {first.measured.get('threshold')}. Intervals: "
        f"bootstrap of {units}{units.warning}. The difference is to the same run's own coarse mask, image by image.",
        BASELINES,
    ]
    caption = f"Results on {describe_images(runs[0])}"
    return ReportTable(name, caption, head, rows, notes, num_words=2)


def _lines(runs: Sequence[TestedRun]) -> list[_Line]:
    lines = []
    networks: list[tuple[np.ndarray, list[TestedRun]]] = []
    for run in runs:
        if run.has("coarse"):
            values = np.array([row["coarse_dice"] for _, row in sorted(run.run.cases().items())])
            same = next((users for other, users in networks if np.allclose(values, other, rtol=0, atol=_SAME)), None)
            if same is None:
                networks.append((values, [run]))
            else:
                same.append(run)
    for _, users in networks:
        model = "all runs" if len(users) == len(runs) > 1 else ", ".join(run.name for run in users)
        lines.append(_Line("coarse alone", model, users[0], "coarse"))
    for run in runs:
        gate = run.facts.gate
        if run.has("sam") and gate != "none":
            lines.append(_Line("SAM before the gate", run.name, run, "sam"))
        if run.has("refined"):
            result = {"none": "refined without gate", "": "refined"}.get(gate, f"refined with gate ({gate})")
            lines.append(_Line(result, run.name, run, "refined"))
    return lines


def _row(line: _Line, further: Sequence[str], described: Mapping) -> list[str]:
    rows = line.run.run.rows
    dice = _column(line.run, f"{line.group}_dice")
    columns = [dice]
    if line.group != "coarse" and line.run.has("coarse"):
        columns.append(dice - _column(line.run, "coarse_dice"))
    units = resampling_of(rows)
    means = bootstrap_means(np.stack(columns, axis=1), groups=units.groups)
    intervals = [percentile_interval(means[:, place], units.count) for place in range(len(columns))]
    change = with_interval(float(columns[1].mean()), intervals[1], sign=True) if len(columns) > 1 else ""
    cells = [line.result, line.model, with_interval(float(dice.mean()), intervals[0]), change]
    for metric in further:
        values = [row[f"{line.group}_{metric}"] for row in rows if row.get(f"{line.group}_{metric}") is not None]
        cells.append(number(float(np.mean(values)) if values else None, int(described[metric]["decimals"])))
    return cells


def _column(run: TestedRun, name: str) -> np.ndarray:
    return np.array([row[name] for row in run.run.rows], dtype=float)


def _by_set(runs: Sequence[TestedRun]) -> ReportTable | None:
    """Mean Dice by set of runs whose test is of several sets, and the mean over sets, in which each weighs the same."""
    rows = []
    for run in runs:
        sets = sorted({str(row["dataset"]) for row in run.run.rows})
        if len(sets) < 2:
            continue
        own = [
            [
                _mean([row.get(f"{group}_dice") for row in run.run.rows if str(row["dataset"]) == name])
                for group in ("coarse", "refined")
            ]
            for name in sets
        ]
        macro = [_mean([values[place] for values in own]) for place in (0, 1)]
        for name, (coarse, refined) in zip([*sets, "mean over sets"], [*own, macro]):
            change = None if None in (coarse, refined) else refined - coarse
            rows.append([run.name, name, number(coarse), number(refined), number(change, sign=True)])
    if not rows:
        return None
    return ReportTable("by_set", "Mean Dice by set", ["Run", "Set", "Coarse", "Refined", "Difference"], rows, (), 2)


def _mean(values: Sequence[float | None]) -> float | None:
    return None if not values or None in values else float(np.mean(values))
