"""Subgroups of a table of cases: by lesion size, and by what the set's own table says, such as class, device and BI-RADS."""

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np

from ultraref.evaluation.case_table import CASE

# More values than that in a column are no classes.
MOST_CLASSES = 12
# Quarters of the images by size.
SIZE_BINS = 4
SIZE = "lesion_area"
# Columns that are classes however few images there are; of others a value must on average hold two images, as the names and notes of
# a small set would be classes otherwise.
_CLASSES = ("class", "birads", "device", "side")
# Columns that say which image it is, or are numbers.
_NO_CLASSES = (
    "name",
    "path",
    "patient",
    "study",
    "video",
    "frame",
    "height",
    "width",
    "spacing_row",
    "spacing_column",
    "lesion_area",
    "bbox",
)


def subgroups(rows: Sequence[Mapping]) -> dict[str, dict[str, list[Mapping]]]:
    """Returns the subgroups of a table of cases.

    Args:
        rows: the table of cases, see `read_cases`.

    Returns:
        By column, "lesion_area" in quarters of the images and every case_NAME with few values: label -> rows. Images that a column says
        nothing of are "unknown", and last. A column that says the same of all images is left out, and so is one of names, paths, numbers
        or free text.
    """
    found = {}
    areas = [row[SIZE] for row in rows if row.get(SIZE)]
    if areas and min(areas) < max(areas):
        edges = np.unique(np.quantile(areas, np.linspace(0, 1, SIZE_BINS + 1)))
        found[SIZE] = by_bins([row for row in rows if row.get(SIZE)], SIZE, edges)
    for column in sorted({name for row in rows for name in row if name.startswith(CASE)}):
        if _is_class(rows, column):
            found[column] = by_value(rows, column)
    return found


def by_bins(rows: Sequence[Mapping], column: str, edges: Sequence[float]) -> dict[str, list[Mapping]]:
    """Returns the rows in bins of a number.

    Args:
        rows: the table of cases.
        column: name of a column of numbers; images without one are left out.
        edges: ascending; a bin holds its lower edge, the last one both.

    Returns:
        "LOW to HIGH" -> rows, of the bins that hold an image, in order.
    """
    known = [row for row in rows if row.get(column) is not None]
    place = np.clip(np.searchsorted(edges, [row[column] for row in known], side="right") - 1, 0, len(edges) - 2)
    bins = {}
    for number, (low, high) in enumerate(pairwise(edges)):
        own = [row for row, index in zip(known, place) if index == number]
        if own:
            bins[f"{low:g} to {high:g}"] = own
    return bins


def by_value(rows: Sequence[Mapping], column: str) -> dict[str, list[Mapping]]:
    """Returns the rows by a column's values, in the order of numbers and words; images without one are "unknown" and come last."""
    values = {row.get(column) for row in rows}
    order = [*sorted((value for value in values if value is not None), key=_in_order), *({None} & values)]
    found: dict[str, list[Mapping]] = {}
    for value in order:
        found.setdefault(_text(value), []).extend(row for row in rows if row.get(column) == value)
    return found


def _is_class(rows: Sequence[Mapping], column: str) -> bool:
    name = column.removeprefix(CASE)
    values = {row.get(column) for row in rows}
    if name in _NO_CLASSES or not 1 < len(values) <= MOST_CLASSES:
        return False
    return name in _CLASSES or 2 * len(values) <= len(rows)


def _in_order(value) -> list[tuple]:
    """Numbers before words, and "4A" and "10" by the numbers in them."""
    parts = re.findall(r"\d+|\D+", _text(value))
    return [(not part.isdecimal(), int(part) if part.isdecimal() else 0, part) for part in parts]


def _text(value) -> str:
    if value is None:
        return "unknown"
    return f"{value:g}" if isinstance(value, float) else str(value)
