"""The table of cases, metrics.csv: a row an image, a column a measurement."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from ultraref.csv_table import read_table, write_table
from ultraref.errors import UserError

# Columns that hold words, whatever they look like, and so do all that begin as CASE: what a set's own table says, such as a patient's "007".
TEXT = ("dataset", "name", "hash", "group", "group_kind")
CASE = "case_"


def case_columns(attributes: Mapping[str, str] | None) -> dict[str, str]:
    """Returns what a set says of a case (`attributes` of its sample) by the names of their columns."""
    return {f"{CASE}{name}": value for name, value in (attributes or {}).items()}


def write_cases(path: str | Path, rows: Sequence[Mapping]) -> None:
    """Writes rows as CSV, in the order of the columns as they first come. Never leaves half a file behind.

    Columns whose names begin with "_" are left out. Numbers are written with nine significant digits, truth values as 0 and 1, what a row
    lacks as nothing.
    """
    columns = list(dict.fromkeys(name for row in rows for name in row if not name.startswith("_")))
    write_table(path, columns, ([_cell(row.get(name)) for name in columns] for row in rows))


def read_cases(path: str | Path) -> list[dict]:
    """Reads what `write_cases` wrote: numbers as float, words as str, nothing as None.

    Raises:
        FileNotFoundError: there is no such file.
        UserError: it isn't a table of cases, or holds none.
    """
    path = Path(path)
    hint = "tools/test.py writes metrics.csv into its work directory"
    rows = read_table(path, ("dataset", "name"), hint, fold_case=False)
    if not rows:
        raise UserError(f"{path}: has no case")
    return [{name: _value(name, cell) for name, cell in row.items()} for _, row in rows]


def _cell(value) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(int(value))
    return f"{value:.9g}" if isinstance(value, float) else str(value)


def _value(name: str, cell: str) -> float | str | None:
    if name in TEXT:
        return cell
    if cell == "":
        return None
    if name is not None and name.startswith(CASE):
        return cell
    try:
        return float(cell)
    except ValueError:
        return cell
