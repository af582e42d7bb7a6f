"""Ids, sizes and categories of a COCO file, as the programs that write such files have them."""

import re
from dataclasses import dataclass

from ultraref.text_file import shown

# "7.0" is how pandas writes an id of a column that has gaps.
_WHOLE = re.compile(r"(\d{1,18})(\.0+)?")
_LONGEST_ID = 200
_MOST_PIXELS_A_SIDE = 100_000


@dataclass(frozen=True)
class CocoProblem:
    """Something in a COCO file that is not as it should be.

    Attributes:
        where: image file name and annotation id, in words.
        what: what was found and what is expected.
        image: name of the image that it concerns; None for an annotation of no image.
        drops_image: whether skipping the problem leaves the image out. A polygon without area covers no pixel and is
            left out alone; anything else would turn a lesion into background.
        is_missing: whether it is that the image isn't there.
    """

    where: str
    what: str
    image: str | None = None
    drops_image: bool = True
    is_missing: bool = False

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


class RecordError(Exception):
    """Why a record can't be used; one line."""


def read_id(value, what: str) -> str:
    """Returns an id as text: 7, 7.0, "7" and "7.0" are "7".

    Raises:
        RecordError: it is missing, null, or neither a whole number nor text.
    """
    if type(value) is float and value.is_integer():
        return str(int(value))
    if type(value) is int:
        return str(value)
    if not isinstance(value, str) or not value.strip() or len(value) > _LONGEST_ID:
        raise RecordError(
            f"{what} is {'missing' if value is None else shown(value)}; it must be a whole number or text"
        )
    whole = _WHOLE.fullmatch(value.strip())
    return str(int(whole.group(1))) if whole else value.strip()


def read_count(value, what: str) -> int:
    """Returns a number of pixels, which may be written as 48, 48.0 or "48".

    Raises:
        RecordError: it is missing, no whole number, or not between 1 and 100,000.
    """
    try:
        number = int(read_id(value, what))
    except (RecordError, ValueError):
        number = 0
    if not 1 <= number <= _MOST_PIXELS_A_SIDE:
        found = "missing" if value is None else shown(value)
        raise RecordError(
            f"its {what} is {found}; it must be a whole number of pixels, from 1 to {_MOST_PIXELS_A_SIDE}"
        )
    return number


def read_categories(entries) -> tuple[dict[str, str], list[CocoProblem]]:
    """Returns the names of categories by id, and what is wrong with the others.

    Args:
        entries: the file's list of categories; None where it has none.
    """
    names: dict[str, str] = {}
    unclear, problems = set(), []
    if entries is not None and not isinstance(entries, list):
        return names, [CocoProblem("categories", f"are {shown(entries)}, not a list", drops_image=False)]
    for number, entry in enumerate(entries or [], start=1):
        where = f"category number {number}"
        try:
            if not isinstance(entry, dict):
                raise RecordError(f"is {shown(entry)}, not an object {{...}}")
            key, name = read_id(entry.get("id"), "its id"), entry.get("name")
            if not isinstance(name, str) or not name.strip() or not name.isprintable() or len(name) > _LONGEST_ID:
                raise RecordError(f"its name is {shown(name)}; it must be text")
            if names.setdefault(key, name) != name:
                unclear.add(key)
                raise RecordError(f"has the id {key} of the category {names[key]!r}, too")
        except RecordError as error:
            problems.append(CocoProblem(where, str(error), drops_image=False))
    # Which of the two an object means, nobody knows.
    return {key: name for key, name in names.items() if key not in unclear}, problems
