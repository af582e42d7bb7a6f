"""The table that a validation prints."""

import io
from collections.abc import Mapping

from rich import box
from rich.console import Console
from rich.table import Table

from ultraref.evaluation.overlap import OVERLAP_NAMES

COLUMNS = {"coarse": "Coarse", "refined": "Refined", "sam": "SAM alone", "delta": "Delta"}


def refinement_table(means: Mapping[str, Mapping[str, float]], title: str) -> str:
    """Lays out mean metrics as text.

    Args:
        means: group (those of COLUMNS that were measured) -> metric -> mean over images.
        title: the line above the table.

    Returns:
        Coarse, refined, SAM before the gate, and their difference with its sign, a row a metric; and the average improvement
        over the five metrics where there is a difference.
    """
    groups = [group for group in COLUMNS if group in means]
    table = Table(box=box.SIMPLE_HEAVY)
    table.add_column("Metric")
    for group in groups:
        table.add_column(COLUMNS[group], justify="right")
    for metric in OVERLAP_NAMES:
        cells = [f"{means[group][metric]:{'+' if group == 'delta' else ''}.4f}" for group in groups]
        table.add_row("IoU" if metric == "iou" else metric.capitalize(), *cells)
    buffer = io.StringIO()
    Console(file=buffer, width=100, color_system=None).print(table)
    text = "\n".join([title, *(line.rstrip() for line in buffer.getvalue().strip("\n").splitlines() if line.strip())])
    if "delta" in means:
        average = sum(means["delta"][metric] for metric in OVERLAP_NAMES) / len(OVERLAP_NAMES)
        verdict = "refinement helps" if average > 0 else "refinement does not help"
        text += f"\nAverage improvement: {average:+.4f} ({verdict})"
    return text
