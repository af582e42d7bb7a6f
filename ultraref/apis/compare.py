"""Compares finished tests, of any recipes, case by case."""

import io
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from ultraref.atomic import atomic_file, write_json
from ultraref.csv_table import write_mappings
from ultraref.errors import UserError
from ultraref.evaluation.case_table import read_cases
from ultraref.evaluation.comparison import Comparison, Run, check_same_cases, compare_runs
from ultraref.evaluation.latex import latex_table
from ultraref.evaluation.statistics import Resampling
from ultraref.json_file import read_json

HEAD = ("Metric", "Run", "Mean", "Difference", "95 % interval", "p", "p (Holm)", "r", "Harmed > 1", "> 5", "Worst")


def compare(
    paths: Sequence[str], metrics: Sequence[str] = ("dice",), margin: float | None = None, out: str | None = None
) -> list[Comparison]:
    """Compares tests with the first of them, prints the table, and writes it.

    Args:
        paths: work directories of tests, or their metrics.csv, beside which metrics.json lies.
        metrics: see `compare_runs`.
        margin: for non-inferiority; None makes no such test.
        out: folder for comparison.csv, .json and .tex; None writes none.

    Returns:
        What was compared, see `compare_runs`.

    Raises:
        FileNotFoundError: a run has no metrics.csv or metrics.json.
        UserError: the runs' cases differ, or a metric wasn't measured.
    """
    runs = read_runs(paths)
    comparisons = compare_runs(runs, metrics, margin)
    notes = [*describe(comparisons), *check_same_cases(runs)]
    print("\n".join([notes[0], format_table(comparisons), *notes[1:]]))
    if out is not None:
        folder = Path(out)
        _write_csv(folder / "comparison.csv", comparisons)
        write_json(folder / "comparison.json", {"comparisons": [asdict(c) for c in comparisons], "notes": notes})
        with atomic_file(folder / "comparison.tex", "w") as file:
            file.write(format_latex(comparisons, notes))
    return comparisons


def read_runs(paths: Sequence[str]) -> list[Run]:
    """Reads what tests left. A run is called by its folder, by as much of the path as tells it from the others.

    Raises:
        FileNotFoundError: there is no metrics.csv, or no metrics.json beside it.
        UserError: one can't be read, or a run is given twice.
    """
    folders = [Path(path).parent if Path(path).suffix == ".csv" else Path(path) for path in paths]
    files = [Path(path) if Path(path).suffix == ".csv" else Path(path) / "metrics.csv" for path in paths]
    if len({file.resolve() for file in files}) < len(files):
        raise UserError(f"a run is given twice: {', '.join(map(str, paths))}")
    runs = []
    for name, folder, file in zip(distinct_names(folders), folders, files):
        rows = read_cases(file)
        described = folder / "metrics.json"
        hint = f"it says how {file.name} was measured; test again with tools/test.py"
        content = read_json(described, "file of metrics", hint=hint, finite=False)
        if "measured" not in content:
            raise UserError(f"{described}: doesn't say how was measured; test again with tools/test.py")
        measured = content["measured"]
        runs.append(Run(name, rows, measured))
    return runs


def distinct_names(folders: Sequence[Path]) -> list[str]:
    """Returns a name of each path: as many of its last parts as tell it from the others."""
    resolved = [folder.resolve() for folder in folders]
    for length in range(1, max(len(folder.parts) for folder in resolved) + 1):
        names = ["/".join(folder.parts[-length:]) for folder in resolved]
        if len(set(names)) == len(names):
            return names
    # Two tables in one folder.
    return [f"run {number}" for number in range(1, len(folders) + 1)]


def describe(comparisons: Sequence[Comparison]) -> list[str]:
    """Returns how the table was made, a sentence a line."""
    first = comparisons[0]
    notes = [
        f"Reference: {first.reference}. {first.images} images, {first.units} independent units (each a {first.unit})"
        f"{Resampling((), first.unit, first.units).warning}.",
        f"Interval: expanded percentile bootstrap, each {first.unit} drawn whole. p: Wilcoxon's signed-rank test on the mean difference of each "
        f"{first.unit}, two-sided; Holm's correction for {len(comparisons)} comparison{'s' if len(comparisons) > 1 else ''}. "
        "r: matched-pairs rank-biserial correlation.",
        "Harmed: images that are worse than in the reference by more than 1 and 5 points (0.01 and 0.05). Worst: the largest loss of one.",
    ]
    for item in comparisons:
        if item.non_inferior is not None:
            result = item.non_inferior
            notes.append(
                f"{item.other} is {'' if result.holds else 'not shown to be '}non-inferior to {item.reference} with a margin of "
                f"{result.margin:g}: one-sided {100 * result.level:g} % bootstrap bound of the mean gain {result.bound:+.{item.decimals}f}."
            )
    return notes


def format_table(comparisons: Sequence[Comparison]) -> str:
    """Returns the table as text."""
    table = Table(box=box.SIMPLE_HEAVY)
    for place, name in enumerate(HEAD):
        table.add_column(name, justify="left" if place < 2 else "right", no_wrap=place != 1, overflow="fold")
    for cells in table_cells(comparisons):
        table.add_row(*cells)
    buffer = io.StringIO()
    Console(file=buffer, width=140, color_system=None, markup=False).print(table)
    return "\n".join(line.rstrip() for line in buffer.getvalue().splitlines() if line.strip())


def table_cells(comparisons: Sequence[Comparison]) -> list[list[str]]:
    """Returns the rows under HEAD as text: for each metric the reference's mean, then each other run."""
    rows: list[list[str]] = []
    for place, item in enumerate(comparisons):
        digits = item.decimals
        if place == 0 or comparisons[place - 1].metric != item.metric:
            rows.append([item.label, item.reference, f"{item.reference_mean:.{digits}f}", *[""] * (len(HEAD) - 3)])
        rows.append(
            [
                "",
                item.other,
                f"{item.other_mean:.{digits}f}",
                f"{item.difference:+.{digits}f}",
                f"{item.ci95[0]:+.{digits}f} to {item.ci95[1]:+.{digits}f}",
                _p(item.p),
                _p(item.p_holm),
                f"{item.effect:+.2f}",
                "" if item.harmed is None else f"{100 * item.harmed:.1f} %",
                "" if item.harmed_5 is None else f"{100 * item.harmed_5:.1f} %",
                f"{item.worst:+.{digits}f}" if item.worst else "none",
            ]
        )
    return rows


def format_latex(comparisons: Sequence[Comparison], notes: Sequence[str]) -> str:
    """Returns a LaTeX `tabular` (package booktabs), the notes above it as comments."""
    return latex_table(HEAD, table_cells(comparisons), notes, num_words=2)


def _p(value: float) -> str:
    return "< 0.0001" if value < 0.0001 else f"{value:.4f}"


def _write_csv(path: Path, comparisons: Sequence[Comparison]) -> None:
    rows = []
    for item in comparisons:
        row = asdict(item)
        low, high = row.pop("ci95")
        outcome = row.pop("non_inferior") or {}
        row.update(ci95_low=low, ci95_high=high, margin=outcome.get("margin"), bound=outcome.get("bound"))
        row["non_inferior"] = outcome.get("holds")
        rows.append(row)
    write_mappings(path, list(rows[0]), rows)
