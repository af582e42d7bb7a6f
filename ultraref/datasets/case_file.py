"""cases.csv: what is known of each image of a converted set, a row an image."""

import hashlib
import io
import math
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ultraref.csv_table import read_table, write_rows
from ultraref.errors import MissingFileError, UserError

CASES_NAME = "cases.csv"
# Columns of every set, in order; further ones of the source follow, sorted.
COLUMNS = (
    "name",
    "path",
    "split",
    "fold",
    "patient",
    "study",
    "side",
    "video",
    "frame",
    "class",
    "device",
    "birads",
    "height",
    "width",
    "spacing_row",
    "spacing_column",
    "spacing_source",
    "lesion_area",
    "lesion_parts",
)
# Those of them that a source fills by its attributes; a further column of another of these names is called source_NAME.
FROM_ATTRIBUTES = ("device", "birads")
_AGAIN = "run the converter again"


@dataclass(frozen=True)
class CaseFile:
    """The content of cases.csv.

    Attributes:
        rows: column -> text, by the image's name; columns without a text are left out.
    """

    rows: Mapping[str, Mapping[str, str]]

    @property
    def sha256(self) -> str:
        """Of the file's bytes."""
        return hashlib.sha256(self.to_csv().encode()).hexdigest()

    def spacing(self, name: str) -> tuple[float, float] | None:
        """Returns the millimetres between pixel centres of an image, (row, column); None where they aren't known."""
        row = self.rows[name]
        return (float(row["spacing_row"]), float(row["spacing_column"])) if "spacing_row" in row else None

    def to_csv(self) -> str:
        """Returns the file's text; the same content gives the same text."""
        further = sorted({column for row in self.rows.values() for column in row} - set(COLUMNS))
        head = (*COLUMNS, *further)
        buffer = io.StringIO()
        write_rows(
            buffer, head, ([{**self.rows[name], "name": name}.get(key) for key in head] for name in sorted(self.rows))
        )
        return buffer.getvalue()

    @classmethod
    def read(cls, root: str | Path, sha256: str) -> "CaseFile":
        """Reads ROOT/cases.csv.

        Args:
            root: a converted set.
            sha256: of the file, as splits.json records it.

        Raises:
            FileNotFoundError: there is none.
            UserError: it was changed by hand, or a spacing is none.
        """
        path = Path(root) / CASES_NAME
        if not path.is_file():
            raise MissingFileError(f"{path}: no such file, but splits.json beside it was written with one; {_AGAIN}")
        if hashlib.sha256(path.read_bytes()).hexdigest() != sha256:
            raise UserError(
                f"{path}: was changed after it was written (its sha256 is another one than in splits.json); {_AGAIN}"
            )
        rows = {}
        for _, row in read_table(path, COLUMNS, fold_case=False):
            name = row.pop("name")
            rows[name] = {column: text for column, text in row.items() if text}
        cases = cls(rows)
        for name in rows:
            try:
                spacing = cases.spacing(name)
            except (KeyError, ValueError) as error:
                raise UserError(f"{path}: the spacing of {name} is no two numbers ({error!r}); {_AGAIN}") from error
            if spacing is not None and not all(math.isfinite(value) and value > 0 for value in spacing):
                raise UserError(f"{path}: the spacing of {name} is {spacing}, no lengths in mm; {_AGAIN}")
        return cases


def column_name(text: str) -> str:
    """Returns what a column of a source is called here: "BI-RADS" becomes "birads", "Lesion size (mm)" "lesion_size_mm".

    Lower case, and what is neither letter nor digit, of any script, becomes one underscore.

    Raises:
        UserError: nothing is left.
    """
    name = re.sub(r"[\W_]+", "_", unicodedata.normalize("NFC", text).lower()).strip("_")
    if not name:
        raise UserError(f"a column is called {text!r}, which has neither a letter nor a digit; rename it")
    return "birads" if name == "bi_rads" else name


def further_columns(attributes: Mapping[str, str], without: Iterable[str] = ()) -> dict[str, str]:
    """Returns a source's attributes by the names of their columns.

    Args:
        attributes: of an image, by any name.
        without: columns to leave out.

    Raises:
        UserError: two attributes get one name.
    """
    columns: dict[str, str] = {}
    for given, value in attributes.items():
        name = column_name(given)
        if name in without:
            continue
        if name in COLUMNS and name not in FROM_ATTRIBUTES:
            name = f"source_{name}"
        if name in columns:
            raise UserError(f"two columns of the source, one of them {given!r}, get the name {name!r}; rename one")
        columns[name] = " ".join(str(value).split())
    return columns
