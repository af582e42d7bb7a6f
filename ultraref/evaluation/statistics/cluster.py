"""What is independent of what: patients, groups of near-duplicates, or single images."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ultraref.errors import UserError

PATIENT, DUPLICATES, IMAGE = "patient", "duplicate group", "image"
KINDS = (PATIENT, DUPLICATES, IMAGE)
# Below, resamples are too few different ones for a bootstrap interval to be relied on.
FEW = 10


@dataclass(frozen=True)
class Resampling:
    """The units that a bootstrap draws, and that a test counts as one observation.

    Attributes:
        groups: label of the unit of each image; those with the same label are drawn together.
        unit: what the units are, in words: "patient", "duplicate group", "image", or several of them joined by "or" where sets
            differ in what they know.
        count: number of units.
    """

    groups: tuple[str, ...]
    unit: str
    count: int

    @property
    def warning(self) -> str:
        """What to say of an interval over so few units; nothing where there are enough."""
        return "" if self.count >= FEW else f"; too few for an interval to rely on (under {FEW})"

    def __str__(self) -> str:
        return f"{self.count} units, each a {self.unit}" if " or " in self.unit else f"{self.count} {self.unit}s"


def resampling_of(rows: Sequence[Mapping]) -> Resampling:
    """Returns the units of rows of a table of cases.

    Args:
        rows: each with `dataset`, `name` and, where known, `group` and `group_kind` (one of KINDS), as a data set's samples carry
            them: the patient where the set says it, else the group of near-duplicates, else nothing. Units of different sets are
            different.
    """
    groups, kinds = [], set()
    for row in rows:
        kind = row.get("group_kind") or IMAGE
        label = row.get("group") or row["name"]
        groups.append("/".join((str(row.get("dataset", "")), kind, str(label))))
        kinds.add(kind)
    unit = " or ".join(kind for kind in KINDS if kind in kinds)
    return Resampling(tuple(groups), unit, len(set(groups)))


def group_codes(groups: Sequence[str]) -> tuple[np.ndarray, int]:
    """Returns a number from 0 up for each group, in the order in which they first come, and how many there are."""
    numbers: dict[str, int] = {}
    codes = np.array([numbers.setdefault(group, len(numbers)) for group in groups], dtype=np.int64)
    return codes, len(numbers)


def group_means(values: np.ndarray, groups: Sequence[str] | None) -> np.ndarray:
    """Returns the mean of each group, in the order in which the groups first come; without groups the values.

    Args:
        values: (n,) or (n, k), a row an image.
        groups: n labels.

    Raises:
        UserError: the number of labels isn't n.
    """
    values = np.asarray(values, dtype=np.float64)
    if groups is None:
        return values
    if len(groups) != len(values):
        raise UserError(f"there are {len(values)} values and {len(groups)} groups; each value needs its group")
    codes, count = group_codes(groups)
    sums = np.zeros((count, *values.shape[1:]))
    np.add.at(sums, codes, values)
    sizes = np.bincount(codes, minlength=count)
    return sums / sizes.reshape(-1, *[1] * (values.ndim - 1))
