"""Results by class, device, BI-RADS, lesion size and what else is known of the cases; and false alarms in images without a lesion."""

import re
from collections.abc import Mapping, Sequence

import numpy as np

from ultraref.apis.report.study import TestedRun
from ultraref.apis.report.tables import ReportTable, number, percent, with_interval
from ultraref.evaluation.case_table import CASE
from ultraref.evaluation.normals import ALARMS, FALSE_AREA
from ultraref.evaluation.statistics import bootstrap_mean_ci, resampling_of
from ultraref.evaluation.subgroups import SIZE, subgroups

_HEAD = ("Run", "Images", "Coarse Dice (95 % interval)", "Refined Dice (95 % interval)", "Difference")
_TITLES = {SIZE: "lesion size", f"{CASE}birads": "BI-RADS"}


def subgroup_title(column: str) -> str:
    """Returns what a report calls a column of the table of cases."""
    return _TITLES.get(column, column.removeprefix(CASE).replace("_", " "))


def table_name(prefix: str, place: int, column: str) -> str:
    """Returns the name of a table about a column, whose own name is a user's."""
    return f"{prefix}_{place}_{re.sub(r'[^A-Za-z0-9]+', '_', column).strip('_')[:40]}"


def subgroup_tables(runs: Sequence[TestedRun]) -> list[ReportTable]:
    """Returns a table for each column that parts the images of a run, with a row for each part and run."""
    by_run = {run.name: subgroups(run.run.rows) for run in runs}
    columns = dict.fromkeys(column for parts in by_run.values() for column in parts)
    tables = []
    for place, column in enumerate(columns, 1):
        labels = dict.fromkeys(label for parts in by_run.values() for label in parts.get(column, {}))
        rows = [
            [label, *_row(run, by_run[run.name][column][label])]
            for label in labels
            for run in runs
            if label in by_run[run.name].get(column, {})
        ]
        title = subgroup_title(column)
        size = runs[0].run.measured.get("size")
        unit = f", pixels of the {'native image' if size == 'original' else f'image at size {size}'}"
        head = [title[:1].upper() + title[1:] + (unit if column == SIZE else ""), *_HEAD]
        tables.append(ReportTable(table_name("by", place, column), f"Results by {title}", head, rows, (), num_words=2))
    return tables


def false_alarm_table(runs: Sequence[TestedRun]) -> ReportTable | None:
    """Returns what runs find in images without a lesion; None where no run was tested on any."""
    rows = []
    for run in runs:
        count = run.run.measured.get("normals")
        for group in ("coarse", "sam", "refined"):
            values = [run.metrics.get(f"test_{group}/{name}") for name in (ALARMS, FALSE_AREA)]
            if count and None not in values:
                bounds = [run.metrics.get(f"test_{group}/{ALARMS}_ci95_{end}") for end in ("low", "high")]
                share = percent(values[0], None if None in bounds else bounds)
                rows.append([run.name, group, str(count), share, number(values[1], 1)])
    if not rows:
        return None
    head = ["Run", "Mask", "Images", "Something found (95 % interval)", "Pixels found on average"]
    note = "These images are part of no other table."
    return ReportTable("false_alarms", "False alarms in images without a lesion", head, rows, [note], num_words=2)


def _row(run: TestedRun, rows: Sequence[Mapping]) -> list[str]:
    groups = resampling_of(rows).groups
    cells = [run.name, str(len(rows))]
    for group in ("coarse", "refined"):
        values = [row.get(f"{group}_dice") for row in rows]
        cells.append(
            "" if None in values else with_interval(float(np.mean(values)), bootstrap_mean_ci(values, groups=groups))
        )
    changes = [row.get("delta_dice") for row in rows]
    return [*cells, "" if None in changes else number(float(np.mean(changes)), sign=True)]
