"""Tables as CSV: read from a user, written for a user, who opens them in a spreadsheet."""

import csv
import io
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches

from ultraref.atomic import atomic_file
from ultraref.errors import UserError
from ultraref.text_file import read_text, shown

# What a spreadsheet takes for a formula, after any apostrophes that were put before it already.
_FORMULA = re.compile(r"'*[=+\-@\t\r]")
_QUOTED = re.compile(r"'+[=+\-@\t\r]")
_DIGITS = re.compile(r"[0-9]{1,9}")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


def quote_cell(value):
    """Returns a cell that no spreadsheet takes for a formula.

    Text (not a number) that begins with = + - @, a tab or a carriage return gets an apostrophe before it, and so does
    text that begins with apostrophes and one of these, so that `unquote_cell` gives every text back as it was.
    """
    if isinstance(value, str) and _FORMULA.match(value) and not _NUMBER.fullmatch(value):
        return f"'{value}"
    return value


def unquote_cell(cell: str) -> str:
    """Returns the text that `quote_cell` made `cell` of."""
    return cell[1:] if _QUOTED.match(cell) else cell


def write_rows(file: io.TextIOBase, head: Sequence[str], rows: Iterable[Iterable]) -> None:
    """Writes a table to an open text file: lines end with a line feed, None is an empty cell, `quote_cell` applies."""
    plain = csv.writer(file, lineterminator="\n")
    # Python leaves a carriage return within a cell unquoted where it doesn't end the lines.
    quoting = csv.writer(file, lineterminator="\n", quoting=csv.QUOTE_ALL)
    for row in (head, *rows):
        cells = ["" if value is None else quote_cell(value) for value in row]
        (quoting if any("\r" in cell for cell in cells if isinstance(cell, str)) else plain).writerow(cells)


def write_table(path: str | os.PathLike, head: Sequence[str], rows: Iterable[Iterable]) -> None:
    """Writes a table as a whole or not at all; see `write_rows`.

    Raises:
        UserError: it can't be written.
    """
    with atomic_file(path, "w") as file:
        write_rows(file, head, rows)


def write_mappings(path: str | os.PathLike, columns: Sequence[str], rows: Iterable[Mapping]) -> None:
    """Writes those columns of each row, empty where a row lacks one; see `write_table`."""
    write_table(path, columns, ([row.get(column) for column in columns] for row in rows))


def read_table(
    path: str | os.PathLike, columns: Iterable[str] = (), hint: str = "", fold_case: bool = True
) -> list[tuple[int, dict[str, str]]]:
    """Reads a CSV file with a header; returns line number and values of each row, see `read_rows`.

    Raises:
        MissingFileError: there is none.
        UserError: see `read_rows`; or a row is longer or shorter than the header.
    """
    header, rows = read_rows(path, columns, hint, fold_case)
    for line, values in rows:
        if len(values) != len(header):
            raise UserError(f"{path}, line {line}: has {len(values)} values, the header {len(header)}")
    return [(line, dict(zip(header, values))) for line, values in rows]


def read_rows(
    path: str | os.PathLike, columns: Iterable[str] = (), hint: str = "", fold_case: bool = True
) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """Reads a CSV file with a header; returns the header, and line number and values of each row as they are.

    Values come without blanks around them; rows without any value are left out. Commas divide cells, or semicolons
    where the header has those and no comma, as spreadsheets of many countries write.

    Args:
        path: the file, UTF-8.
        columns: what the header must have; further columns are kept.
        hint: what to do where there is no such file.
        fold_case: whether names of columns are read in lower case.

    Raises:
        MissingFileError: there is none.
        UserError: a column is missing or occurs twice, or it isn't a table.
    """
    columns = list(columns)
    text = read_text(path, hint)
    if "\x00" in text:
        raise UserError(f"{path}: holds zero bytes, so it is no table of text")
    lines = _lines(text, path)
    _, cells = next(lines, (0, []))
    header = [name.lower() if fold_case else name for name in map(_value, cells)]
    lacking = [name for name in columns if name not in header]
    if lacking:
        near = [near for name in lacking for near in get_close_matches(name, header, 1)]
        meant = f" ({', '.join(map(shown, near))} is near)" if near else ""
        found = shown(",".join(header))[1:-1] if header else "nothing"
        raise UserError(f"{path}: the first line must name the columns {','.join(columns)}; it has {found}{meant}")
    twice = sorted({name for name in header if name and header.count(name) > 1})
    if twice:
        raise UserError(f"{path}: the first line names the column {shown(twice[0])} twice")
    rows = [(line, [_value(cell) for cell in cells]) for line, cells in lines]
    return header, [(line, values) for line, values in rows if any(values)]


def whole_number(text: str) -> int | None:
    """Returns the number that a cell of up to nine digits holds; None for any other text."""
    return int(text) if _DIGITS.fullmatch(text) else None


def _value(cell: str) -> str:
    # What was quoted keeps the tab that it may begin with.
    return unquote_cell(cell.rstrip()) if _QUOTED.match(cell) else cell.strip()


def _lines(text: str, path) -> Iterator[tuple[int, list[str]]]:
    head = text.split("\n", 1)[0]
    delimiter = ";" if ";" in head and "," not in head else ","
    # strict: a quote that is never closed would swallow the rest of the file in silence.
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        for cells in reader:
            yield reader.line_num, cells
    except csv.Error as error:
        raise UserError(f"{path}, line {reader.line_num}: can't be read as CSV ({error})") from error
