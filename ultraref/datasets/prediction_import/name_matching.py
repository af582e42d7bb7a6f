"""Which image of a converted set a name of another tool means."""

from collections.abc import Iterable
from pathlib import Path

from ultraref.csv_table import read_table
from ultraref.datasets.converters.raw_sample import normalise_name
from ultraref.errors import UserError

# What nnU-Net appends to the files of the first (here the only) channel of a case: case_0000.png is the image of `case`.
CHANNEL = "_0000"
NAMES_COLUMNS = ("case", "name")
RULE = (
    "A case is the image of the same name, read as the converters read file names (lower case, numbers of four digits), with or "
    f"without nnU-Net's {CHANNEL} at the end. For all others give --names TABLE.csv with the columns case,name; an empty name says "
    "that the case is no image of the set"
)


class NameMatcher:
    """Finds images by the names that another tool has for them.

    The first of these rules that finds an image decides:
    1. a row of the table that the user gave; an empty name there says that it is no image of the set;
    2. the same name;
    3. the same name as the converters write it, "Benign (7)" being benign_0007;
    4. as 3, where the image's name ends with nnU-Net's "_0000" (it was converted from imagesTr), which the case's lacks.

    Args:
        images: names of the set's images.
        table: see `read_names`; None for none.

    Raises:
        UserError: the table names an image that the set doesn't have.
    """

    def __init__(self, images: Iterable[str], table: dict[str, str] | None = None):
        self._images = set(images)
        self._table = table or {}
        self._without_channel = {name.removesuffix(CHANNEL): name for name in self._images if name.endswith(CHANNEL)}
        strange = {name for name in self._table.values() if name and name not in self._images}
        if strange:
            shown = ", ".join(sorted(strange)[:10])
            raise UserError(
                f"--names: {len(strange)} names are no images of the set: {shown}; its splits.json lists all"
            )

    def image_of(self, case: str) -> str | None:
        """Returns the name of an image; "" for a case that the table leaves out, None for one that nothing is known of."""
        if case in self._table:
            return self._table[case]
        normalised = normalise_name(case)
        for name in (case, normalised):
            if name in self._images:
                return name
        return self._without_channel.get(normalised)


def read_names(path: str | Path) -> dict[str, str]:
    """Reads a table of case names: CSV with the columns case and name.

    Raises:
        FileNotFoundError: there is none.
        UserError: it is no such table, or gives a case twice or two cases one image.
    """
    rows = read_table(path, NAMES_COLUMNS)
    names: dict[str, str] = {}
    for line, row in rows:
        case, name = row["case"], row["name"]
        if not case or case in names:
            raise UserError(f"{path}, line {line}: {f'case {case!r} is given twice' if case else 'there is no case'}")
        if name and name in names.values():
            raise UserError(f"{path}, line {line}: image {name!r} is given to two cases")
        names[case] = name
    return names
