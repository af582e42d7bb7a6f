"""Whom refinement harms: by coarse quality, lesion size and what else the table of cases knows; and the worst cases."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ultraref.errors import UserError
from ultraref.evaluation.metrics import CHANGE, case_changes
from ultraref.evaluation.statistics import bootstrap_mean_ci, resampling_of

# Coarse Dice below 0.5 is a lesion in the wrong place, which no refinement of the outline repairs.
QUALITY_EDGES = (0.0, 0.5, 0.7, 0.8, 0.9, 1.0)
# More values than that in a column are no classes.
MOST_CLASSES = 12
# Quarters of the images by size.
SIZE_BINS = 4


@dataclass(frozen=True)
class HarmGroup:
    """What refinement does to one part of the images.

    Attributes:
        label: what they have in common.
        images: how many there are.
        coarse_dice, delta_dice: means.
        harmed, harmed_5, helped, helped_5, worst: see `case_changes`.
        harmed_ci95: bootstrap interval of `harmed`.
    """

    label: str
    images: int
    coarse_dice: float
    delta_dice: float
    harmed: float
    harmed_5: float
    helped: float
    helped_5: float
    worst: float
    harmed_ci95: tuple[float, float]


def harm_breakdown(rows: Sequence[Mapping]) -> dict[str, list[HarmGroup]]:
    """Breaks the change of Dice down by everything that the table of cases has.

    Args:
        rows: the table of cases of a refinement's test, see `read_cases`.

    Returns:
        "coarse_dice" in bins, "lesion_area" in quarters, and every column case_NAME (class, BI-RADS) by its values. A part
        that holds no image is left out, and so is a column that says the same, or nothing, of all images.

    Raises:
        UserError: the table is of a model without refinement.
    """
    rows = _refined(rows)
    found = {"coarse_dice": harm_by_bins(rows, "coarse_dice", QUALITY_EDGES)}
    areas = [row["lesion_area"] for row in rows if row.get("lesion_area")]
    if areas and min(areas) < max(areas):
        edges = np.unique(np.quantile(areas, np.linspace(0, 1, SIZE_BINS + 1)))
        found["lesion_area"] = harm_by_bins([row for row in rows if row.get("lesion_area")], "lesion_area", edges)
    for column in sorted({name for row in rows for name in row if name.startswith("case_")}):
        values = {row.get(column) for row in rows}
        if 1 < len(values) <= MOST_CLASSES:
            found[column] = harm_by_value(rows, column)
    return found


def harm_by_bins(rows: Sequence[Mapping], column: str, edges: Sequence[float]) -> list[HarmGroup]:
    """Breaks the change of Dice down by a number.

    Args:
        rows: the table of cases.
        column: name of a column of numbers; images without one are left out.
        edges: ascending; a bin holds its lower edge, the last one both.

    Returns:
        The bins that hold an image, in order.
    """
    known = [row for row in _refined(rows) if row.get(column) is not None]
    place = np.clip(np.searchsorted(edges, [row[column] for row in known], side="right") - 1, 0, len(edges) - 2)
    groups = []
    for number, (low, high) in enumerate(pairwise(edges)):
        own = [row for row, index in zip(known, place) if index == number]
        if own:
            groups.append(_group(f"{low:g} to {high:g}", own))
    return groups


def harm_by_value(rows: Sequence[Mapping], column: str) -> list[HarmGroup]:
    """Breaks the change of Dice down by a column's values; images without one are "unknown" and come last."""
    rows = _refined(rows)
    values = {row.get(column) for row in rows}
    order = [*sorted((value for value in values if value is not None), key=_in_order), *({None} & values)]
    return [_group(_text(value), [row for row in rows if row.get(column) == value]) for value in order]


def worst_cases(rows: Sequence[Mapping], count: int = 10) -> list[Mapping]:
    """Returns the rows of the images whose Dice falls most, the worst first; images that don't fall are none of them."""
    fallen = [row for row in _refined(rows) if row["delta_dice"] < 0]
    return sorted(fallen, key=lambda row: (row["delta_dice"], str(row["dataset"]), str(row["name"])))[:count]


def _refined(rows: Sequence[Mapping]) -> Sequence[Mapping]:
    if not rows or any(row.get("delta_dice") is None for row in rows):
        raise UserError(
            "harm is told by the column delta_dice, which the table of cases of a model without refinement lacks"
        )
    return rows


def _group(label: str, rows: Sequence[Mapping]) -> HarmGroup:
    differences = np.array([row["delta_dice"] for row in rows])
    harmed = (differences < -CHANGE).astype(float)
    return HarmGroup(
        label=label,
        images=len(rows),
        coarse_dice=float(np.mean([row["coarse_dice"] for row in rows])),
        delta_dice=float(differences.mean()),
        **case_changes(differences),
        harmed_ci95=bootstrap_mean_ci(harmed, groups=resampling_of(rows).groups),
    )


def _in_order(value) -> tuple:
    """Numbers before words."""
    return (isinstance(value, str), value)


def _text(value) -> str:
    if value is None:
        return "unknown"
    return f"{value:g}" if isinstance(value, float) else str(value)
