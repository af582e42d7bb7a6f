"""The report's tables: in the page, and beside it as CSV and LaTeX."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ultraref.atomic import atomic_folder
from ultraref.csv_table import write_rows
from ultraref.evaluation.latex import latex_table


@dataclass(frozen=True)
class ReportTable:
    """A table.

    Attributes:
        name: of its files, without suffix.
        caption: what it shows.
        head: names of the columns.
        rows: cells as plain text.
        notes: lines below it.
        num_words: the first columns, which hold words; the others hold numbers and are set flush right.
    """

    name: str
    caption: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str] = ()
    num_words: int = 1


def write_tables(folder: Path, tables: Sequence[ReportTable]) -> None:
    """Writes NAME.csv and NAME.tex of each table; the folder is replaced as a whole.

    Raises:
        UserError: it can't be written.
    """
    with atomic_folder(folder) as staging:
        for table in tables:
            with open(staging / f"{table.name}.csv", "w", encoding="utf-8", newline="") as file:
                write_rows(file, table.head, table.rows)
            text = latex_table(table.head, table.rows, [table.caption, *table.notes], table.num_words)
            (staging / f"{table.name}.tex").write_text(text, encoding="utf-8")


def number(value: float | None, decimals: int = 4, sign: bool = False) -> str:
    """Returns a number as a cell; nothing for None."""
    return "" if value is None else f"{value:{'+' if sign else ''}.{decimals}f}"


def with_interval(value: float, interval: Sequence[float], decimals: int = 4, sign: bool = False) -> str:
    """Returns a number and its interval: "0.8502 (0.8311 to 0.8675)"."""
    low, high = (number(bound, decimals, sign) for bound in interval)
    return f"{number(value, decimals, sign)} ({low} to {high})"


def percent(share: float, interval: Sequence[float] | None = None) -> str:
    """Returns a share in percent: "11.8 %", or with its interval "11.8 % (5.6 to 17.9)"."""
    text = f"{100 * share:.1f} %"
    return text if interval is None else f"{text} ({100 * interval[0]:.1f} to {100 * interval[1]:.1f})"
