"""Do no harm, as tables: how many images lose by refinement, and which."""

from collections.abc import Sequence

import numpy as np

from ultraref.apis.report.study import TestedRun
from ultraref.apis.report.subgroup_tables import subgroup_title, table_name
from ultraref.apis.report.tables import ReportTable, number, percent
from ultraref.evaluation.harm import harm_breakdown, worst_cases
from ultraref.evaluation.metrics import CHANGE, LARGE_CHANGE, case_changes
from ultraref.evaluation.statistics import bootstrap_means, percentile_interval, resampling_of

_HEAD = ("Run", "Images", "Worse by > 1 point", "by > 5 points", "Better by > 1 point", "by > 5 points", "Largest loss")
_GROUP_HEAD = (
    "Images",
    "Coarse Dice",
    "Difference",
    "Worse by > 1 point",
    "by > 5 points",
    "Better by > 1 point",
    "Largest loss",
)


def harm_table(runs: Sequence[TestedRun]) -> ReportTable:
    """Returns the shares of images that are harmed, with intervals, of each run that refines."""
    rows = []
    for run in runs:
        differences = np.array([row["delta_dice"] for row in run.run.rows])
        shares = case_changes(differences)
        units = resampling_of(run.run.rows)
        harmed = np.stack([differences < -CHANGE, differences < -LARGE_CHANGE], axis=1).astype(float)
        means = bootstrap_means(harmed, groups=units.groups)
        intervals = [percentile_interval(means[:, place], units.count) for place in (0, 1)]
        rows.append(
            [
                run.name,
                str(len(differences)),
                percent(shares["harmed"], intervals[0]),
                percent(shares["harmed_5"], intervals[1]),
                percent(shares["helped"]),
                percent(shares["helped_5"]),
                _loss(shares["worst"]),
            ]
        )
    note = "A point is 0.01 of Dice, refined minus coarse of the same image; in brackets 95 % bootstrap intervals in percent."
    return ReportTable("harm", "Images that refinement changes", _HEAD, rows, [note])


def breakdown_tables(run: TestedRun) -> list[ReportTable]:
    """Returns whom refinement harms: by coarse quality, lesion size, and class or what else is known."""
    tables = []
    size = run.run.measured.get("size")
    unit = "pixels of the native image" if size == "original" else f"pixels at size {size}"
    for index, (column, groups) in enumerate(harm_breakdown(run.run.rows).items(), 1):
        title = "Dice of the coarse mask" if column == "coarse_dice" else subgroup_title(column)
        head = title[:1].upper() + title[1:] + (f", {unit}" if column == "lesion_area" else "")
        rows = [
            [
                group.label,
                str(group.images),
                number(group.coarse_dice),
                number(group.delta_dice, sign=True),
                percent(group.harmed, group.harmed_ci95),
                percent(group.harmed_5),
                percent(group.helped),
                _loss(group.worst),
            ]
            for group in groups
        ]
        tables.append(ReportTable(table_name("harm", index, column), f"Harm by {title}", [head, *_GROUP_HEAD], rows))
    return tables


def worst_table(run: TestedRun) -> ReportTable:
    """Returns the ten images that lose most."""
    rows = [
        [
            str(row["name"]),
            str(row["dataset"]),
            number(row["coarse_dice"]),
            number(row["refined_dice"]),
            number(row["delta_dice"], sign=True),
        ]
        for row in worst_cases(run.run.rows)
    ]
    head = ["Image", "Set", "Coarse Dice", "Refined Dice", "Difference"]
    return ReportTable("worst_changes", "The images that lose most", head, rows, (), 2)


def _loss(worst: float) -> str:
    return number(worst, sign=True) if worst < 0 else "none"
