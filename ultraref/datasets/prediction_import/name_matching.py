"""Which image of a converted set a name of another tool means."""

import csv
import io
from collections.abc import Iterable
from pathlib import Path

from ultraref.datasets.converters.raw_sample import normalise_name
from ultraref.datasets.image_io import read_bytes
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


def read_table(path: str | Path, columns: Iterable[str]) -> list[tuple[int, dict[str, str]]]:
    """Reads a CSV file with a header; returns line number and values, without blanks around them, of each row.

    Further columns are kept. Rows without any value are left out.

    Args:
        path: the file, UTF-8.
        columns: what the header must have.

    Raises:
        FileNotFoundError: there is none.
        UserError: a column is missing, a row is longer or shorter than the header, or it isn't text.
    """
    try:
        text = read_bytes(path).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: is no CSV file in UTF-8 ({error.reason})") from error
    reader = csv.reader(io.StringIO(text))
    try:
        header = [column.strip().lower() for column in next(reader, [])]
        lacking = [column for column in columns if column not in header]
        if lacking:
            found = ",".join(header) or "nothing"
            raise UserError(f"{path}: the first line must name the columns {','.join(columns)}; it has {found}")
        rows = []
        for values in reader:
            values = [value.strip() for value in values]
            if not any(values):
                continue
            if len(values) != len(header):
                raise UserError(f"{path}, line {reader.line_num}: has {len(values)} values, the header {len(header)}")
            rows.append((reader.line_num, dict(zip(header, values))))
    except csv.Error as error:
        raise UserError(f"{path}, line {reader.line_num}: can't be read as CSV ({error})") from error
    return rows
