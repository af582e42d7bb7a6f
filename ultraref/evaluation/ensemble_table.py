"""One table of the models of an ensemble and the ensemble."""

import io
import statistics
from collections.abc import Mapping
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from ultraref.csv_table import write_table

ENSEMBLE = "ensemble"
# Metric, heading, digits.
COLUMNS = (
    ("coarse/dice", "Coarse Dice", 4),
    ("sam/dice", "SAM Dice", 4),
    ("refined/dice", "Refined Dice", 4),
    ("delta/dice", "Delta Dice", 4),
    ("refined/iou", "Refined IoU", 4),
    ("refined/hd95", "Refined HD95", 2),
)


def ensemble_table(members: Mapping[str, Mapping[str, float]], ensemble: Mapping[str, float], title: str) -> str:
    """Lays out a row for each model, their mean with its standard deviation, and a row for the ensemble.

    Args:
        members: name of each model -> its metrics by name, such as "test_refined/dice".
        ensemble: the metrics of the mean prediction.
        title: the line above the table.
    """
    shown = [column for column in COLUMNS if f"test_{column[0]}" in ensemble]
    table = Table(box=box.SIMPLE_HEAVY)
    table.add_column("Model", overflow="fold")
    for _, heading, _ in shown:
        table.add_column(heading, justify="right")
    for name, metrics in members.items():
        table.add_row(name, *(_cell(metrics, *column) for column in shown))
    spread = [_spread([metrics[f"test_{name}"] for metrics in members.values()], digits) for name, _, digits in shown]
    table.add_row(f"mean of {len(members)} (SD)", *spread, style=None)
    table.add_row(ENSEMBLE, *(_cell(ensemble, *column) for column in shown))
    buffer = io.StringIO()
    Console(file=buffer, width=120, color_system=None, markup=False).print(table)
    return "\n".join([title, *(line.rstrip() for line in buffer.getvalue().splitlines() if line.strip())])


def write_ensemble(path: Path, members: Mapping[str, Mapping[str, float]], ensemble: Mapping[str, float]) -> None:
    """Writes a row for each model and one for the ensemble, with all metrics, as CSV."""
    names = [name for name, value in ensemble.items() if isinstance(value, (int, float))]
    rows = {**members, ENSEMBLE: ensemble}
    write_table(path, ["model", *names], ([model, *map(metrics.get, names)] for model, metrics in rows.items()))


def _cell(metrics: Mapping[str, float], name: str, heading: str, digits: int) -> str:
    value = metrics.get(f"test_{name}")
    return "" if value is None else f"{value:{'+' if name.startswith('delta') else ''}.{digits}f}"


def _spread(values: list[float], digits: int) -> str:
    return f"{statistics.mean(values):.{digits}f} ({statistics.stdev(values):.{digits}f})"
