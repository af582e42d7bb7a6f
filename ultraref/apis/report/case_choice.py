"""Which cases the report shows."""

from collections.abc import Mapping, Sequence

# Of each kind.
_COUNT = 3


def chosen_cases(rows: Sequence[Mapping], column: str) -> dict[str, list[Mapping]]:
    """Returns the cases with the highest, the middle and the lowest values of a column, none of them twice.

    Args:
        rows: the table of cases.
        column: of numbers; rows without one are left out.
    """
    known = [row for row in rows if row.get(column) is not None]
    order = sorted(known, key=lambda row: (-row[column], str(row["dataset"]), str(row["name"])))
    count = min(_COUNT, max(1, len(order) // 3))
    middle = (len(order) - count) // 2
    parts = {
        "Best": range(count),
        "Median": range(middle, middle + count),
        "Worst": range(len(order) - count, len(order)),
    }
    shown: set[int] = set()
    found = {}
    for name, places in parts.items():
        own = [place for place in places if 0 <= place < len(order) and place not in shown]
        shown.update(own)
        if own:
            found[name] = [order[place] for place in (reversed(own) if name == "Worst" else own)]
    return found
