"""The table of cases, metrics.csv: a row an image, a column a measurement."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

from ultraref.atomic import atomic_file
from ultraref.errors import MissingFileError, UserError

# Columns that hold words, whatever they look like.
TEXT = ("dataset", "name", "hash", "group", "group_kind")


def write_cases(path: str | Path, rows: Sequence[Mapping]) -> None:
    """Writes rows as CSV, in the order of the columns as they first come. Never leaves half a file behind.

    Columns whose names begin with "_" are left out. Numbers are written with nine significant digits, truth values as 0 and 1, what a row
    lacks as nothing.
    """
    columns = list(dict.fromkeys(name for row in rows for name in row if not name.startswith("_")))
    with atomic_file(path, "w") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        for row in rows:
            writer.writerow([_cell(row.get(name)) for name in columns])


def read_cases(path: str | Path) -> list[dict]:
    """Reads what `write_cases` wrote: numbers as float, words as str, nothing as None.

    Raises:
        FileNotFoundError: there is no such file.
        UserError: it isn't a table of cases, or holds none.
    """
    path = Path(path)
    if not path.is_file():
        raise MissingFileError(f"{path}: no such file; tools/test.py writes metrics.csv into its work directory")
    try:
        with open(path, encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            rows = [{name: _value(name, cell) for name, cell in row.items()} for row in reader]
            columns = reader.fieldnames or []
    except (UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path}: can't be read as a table of cases ({error})") from error
    if not {"dataset", "name"} <= set(columns):
        raise UserError(f"{path}: is no table of cases, as it lacks the columns dataset and name; give a metrics.csv")
    if not rows:
        raise UserError(f"{path}: has no case")
    if any(None in row for row in rows):
        raise UserError(f"{path}: a row has more cells than there are columns; test again to write it anew")
    return rows


def _cell(value) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(int(value))
    return f"{value:.9g}" if isinstance(value, float) else str(value)


def _value(name: str | None, cell):
    if name in TEXT:
        return cell or ""
    if not isinstance(cell, str) or cell == "":
        return None
    try:
        return float(cell)
    except ValueError:
        return cell
