"""The table that a validation and a test print."""

import io
from collections.abc import Mapping
from dataclasses import dataclass

from rich import box
from rich.console import Console
from rich.table import Table

COLUMNS = {"coarse": "Coarse", "refined": "Refined", "sam": "SAM alone", "delta": "Delta"}


@dataclass(frozen=True)
class TableRow:
    """How a metric is shown and read.

    Attributes:
        label: its name with its unit.
        decimals: digits after the point.
        lower_is_better: whether a fall is a gain.
        bounded: whether it lies in [0, 1], so that a change can be told in points of 0.01.
    """

    label: str
    decimals: int = 4
    lower_is_better: bool = False
    bounded: bool = True


OVERLAP_ROWS = {
    "dice": TableRow("Dice"),
    "iou": TableRow("IoU"),
    "precision": TableRow("Precision"),
    "recall": TableRow("Recall"),
    "specificity": TableRow("Specificity"),
    "accuracy": TableRow("Accuracy"),
}
# The reference's five metrics, of which it gives the average improvement.
OVERLAP_NAMES = ("dice", "iou", "precision", "recall", "accuracy")


def refinement_table(
    means: Mapping[str, Mapping[str, float]], title: str, rows: Mapping[str, TableRow] | None = None
) -> str:
    """Lays out mean metrics as text.

    Args:
        means: group (those of COLUMNS that were measured) -> metric -> mean over images.
        title: the line above the table.
        rows: metric -> how it is shown, in order; those that no group has are left out. None for the overlap metrics.

    Returns:
        Coarse, refined, SAM before the gate, and their difference with its sign, a row a metric; and the average improvement
        over the reference's five metrics where all have a difference.
    """
    groups = [group for group in COLUMNS if group in means]
    table = Table(box=box.SIMPLE_HEAVY)
    table.add_column("Metric")
    for group in groups:
        table.add_column(COLUMNS[group], justify="right")
    for metric, row in (OVERLAP_ROWS if rows is None else rows).items():
        if any(metric in means[group] for group in groups):
            table.add_row(row.label, *(_cell(means[group].get(metric), group, row.decimals) for group in groups))
    buffer = io.StringIO()
    Console(file=buffer, width=100, color_system=None).print(table)
    text = "\n".join([title, *(line.rstrip() for line in buffer.getvalue().strip("\n").splitlines() if line.strip())])
    delta = means.get("delta", {})
    if all(metric in delta for metric in OVERLAP_NAMES):
        average = sum(delta[metric] for metric in OVERLAP_NAMES) / len(OVERLAP_NAMES)
        verdict = "refinement helps" if average > 0 else "refinement does not help"
        text += f"\nAverage improvement: {average:+.4f} ({verdict})"
    return text


def _cell(value: float | None, group: str, decimals: int) -> str:
    return "" if value is None else f"{value:{'+' if group == 'delta' else ''}.{decimals}f}"
