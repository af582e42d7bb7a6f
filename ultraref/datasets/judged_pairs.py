"""pairs.csv: pairs of images that a person has looked at, and whether they show the same.

The audit writes one beside its contact sheet; converters and the next audit read it. A row names two images and a verdict.
An empty verdict is none, and leaves the pair to the rules.
"""

import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ultraref.csv_table import read_table, write_rows
from ultraref.errors import UserError

ACCEPTED, REJECTED = "accepted", "rejected"
PAIRS_NAME = "pairs.csv"
COLUMNS = (
    "number",
    "first_set",
    "first",
    "second_set",
    "second",
    "hash_distance",
    "correlation",
    "detail",
    "flip",
    "confidence",
    "leaks",
    "verdict",
)
_NEEDED = ("first", "second", "verdict")


@dataclass(frozen=True)
class JudgedPairs:
    """Verdicts by pair.

    Attributes:
        path: where they were read from, for messages.
        verdicts: ((set, name), (set, name)), sorted -> whether the pair is accepted. The set is "" where the file names none.
    """

    path: str
    verdicts: dict[tuple[tuple[str, str], tuple[str, str]], bool]

    @classmethod
    def read(cls, path: str | Path) -> "JudgedPairs":
        """Reads a file.

        Raises:
            FileNotFoundError: there is none.
            UserError: it lacks a column, a verdict is none of the allowed ones, or a pair has two.
        """
        hint = f"the audit writes such a file ({PAIRS_NAME})"
        verdicts: dict = {}
        for line, row in read_table(path, _NEEDED, hint):
            verdict = row["verdict"].lower()
            if not verdict:
                continue
            where = f"{path}, line {line}"
            if verdict not in (ACCEPTED, REJECTED):
                raise UserError(f"{where}: the verdict is {row['verdict']!r}; it is {ACCEPTED}, {REJECTED} or empty")
            ends = [(row.get(f"{end}_set", ""), row[end]) for end in ("first", "second")]
            if not all(name for _, name in ends) or ends[0] == ends[1]:
                raise UserError(f"{where}: needs the names of two images as first and second")
            key = tuple(sorted(ends))
            if verdicts.setdefault(key, verdict == ACCEPTED) != (verdict == ACCEPTED):
                raise UserError(
                    f"{where}: {ends[0][1]} and {ends[1][1]} are both {ACCEPTED} and {REJECTED}; leave one row"
                )
        return cls(str(path), verdicts)

    def of(self, dataset: str, names: Iterable[str]) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
        """Returns the accepted and the rejected pairs of names within one set.

        Args:
            dataset: its name. Pairs of other sets, and of two sets, are passed over.
            names: of its images.

        Raises:
            UserError: the file names images of this set that it doesn't have.
        """
        known, accepted, rejected, strange = set(names), [], [], []
        for ((first_set, first), (second_set, second)), same in self.verdicts.items():
            if {first_set, second_set} <= {"", dataset}:
                strange += [name for name in (first, second) if name not in known]
                (accepted if same else rejected).append((first, second))
        if strange:
            listed = ", ".join(dict.fromkeys(strange[:5]))
            raise UserError(
                f"{self.path}: {len(set(strange))} images are not in {dataset}: {listed}; give the names that splits.json has, and the set in "
                "first_set and second_set if they are of another one"
            )
        return accepted, rejected

    def verdict(self, first: tuple[str, str], second: tuple[str, str]) -> bool | None:
        """Returns whether the pair of (set, name) and (set, name) is accepted; None where nothing was said."""
        for with_set in (True, False):
            ends = (first, second) if with_set else (("", first[1]), ("", second[1]))
            found = self.verdicts.get(tuple(sorted(ends)))
            if found is not None and (with_set or first[0] == second[0]):
                return found
        return None


def pairs_csv(rows: Iterable[Mapping[str, object]]) -> str:
    """Returns the text of a pairs.csv; each row has the COLUMNS."""
    text = io.StringIO(newline="")
    write_rows(text, COLUMNS, ([row[column] for column in COLUMNS] for row in rows))
    return text.getvalue()
