"""Whom refinement harms: by coarse quality, lesion size and what else the table of cases knows; and the worst cases."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ultraref.errors import UserError
from ultraref.evaluation.metrics import CHANGE, case_changes
from ultraref.evaluation.statistics import bootstrap_mean_ci, resampling_of
from ultraref.evaluation.subgroups import by_bins, by_value, subgroups

# Coarse Dice below 0.5 is a lesion in the wrong place, which no refinement of the outline repairs.
QUALITY_EDGES = (0.0, 0.5, 0.7, 0.8, 0.9, 1.0)


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
        "coarse_dice" in bins, and the columns of `subgroups`. A part that holds no image is left out.

    Raises:
        UserError: the table is of a model without refinement.
    """
    rows = _refined(rows)
    found = {"coarse_dice": harm_by_bins(rows, "coarse_dice", QUALITY_EDGES)}
    for column, parts in subgroups(rows).items():
        found[column] = _groups(parts)
    return found


def harm_by_bins(rows: Sequence[Mapping], column: str, edges: Sequence[float]) -> list[HarmGroup]:
    """Breaks the change of Dice down by a number, see `by_bins`."""
    return _groups(by_bins(_refined(rows), column, edges))


def harm_by_value(rows: Sequence[Mapping], column: str) -> list[HarmGroup]:
    """Breaks the change of Dice down by a column's values, see `by_value`."""
    return _groups(by_value(_refined(rows), column))


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


def _groups(parts: Mapping[str, Sequence[Mapping]]) -> list[HarmGroup]:
    return [_group(label, rows) for label, rows in parts.items()]


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
