"""Which images of a set belong together, and which part each group goes to."""

from dataclasses import dataclass

import numpy as np

from ultraref.datasets.converters.assign_splits import TEST, assign_grouped, assign_plain, size_strata
from ultraref.datasets.converters.duplicates import connected_groups, near_duplicate_pairs
from ultraref.datasets.converters.prepare import Prepared
from ultraref.datasets.converters.split_manifest import SplitManifest


@dataclass(frozen=True)
class SplitPlan:
    """The split of a set.

    Attributes:
        parts: "test" or the fold, by name.
        groups: name of the first image of each image's group, by name.
        grouping: how groups were found, in words.
        seed: of the shuffle.
        num_folds: number of folds of the training images.
        ungrouped: whether it is the plain split of single images.
    """

    parts: dict[str, str | int]
    groups: dict[str, str]
    grouping: str
    seed: int
    num_folds: int
    ungrouped: bool

    @property
    def grouped(self) -> bool:
        """Whether no group lies in two parts."""
        parts_of: dict[str, set] = {}
        for name, group in self.groups.items():
            parts_of.setdefault(group, set()).add(self.parts[name])
        return not self.ungrouped and all(len(parts) == 1 for parts in parts_of.values())


def plan_split(
    kept: dict[str, Prepared],
    together: list[tuple[str, str]],
    *,
    seed: int,
    num_folds: int,
    test_percent: int,
    ungrouped: bool,
    duplicate_distance: int,
    manifest: SplitManifest | None = None,
) -> SplitPlan:
    """Groups the images of a set and deals the groups out.

    Args:
        kept: the images with a lesion, by name.
        together: see `Found`.
        seed, num_folds, test_percent, ungrouped, duplicate_distance, manifest: see `convert`.

    Raises:
        UserError: the manifest is of other files.
    """
    if manifest is not None:
        manifest.check({name: item.sample for name, item in kept.items()})
        parts = {name: TEST if entry.fold is None else entry.fold for name, entry in manifest.images.items()}
        groups = {name: entry.group for name, entry in manifest.images.items()}
        return SplitPlan(parts, groups, manifest.grouping, manifest.seed, manifest.num_folds, not manifest.grouped)
    groups, grouping = find_groups(kept, together, duplicate_distance)
    if next(iter(kept.values())).sample.fold is not None:
        parts = {name: item.sample.fold for name, item in kept.items()}
        num_folds = 1 + max(part for part in parts.values() if part != TEST)
        return SplitPlan(parts, groups, f"official {num_folds} folds", seed, num_folds, ungrouped)
    if ungrouped:
        parts = assign_plain(list(kept), seed, num_folds, test_percent)
        return SplitPlan(parts, {name: name for name in kept}, "none", seed, num_folds, ungrouped)
    strata = size_strata(
        {name: item.category for name, item in kept.items()},
        {name: item.lesion_parts_per_million for name, item in kept.items()},
    )
    return SplitPlan(
        assign_grouped(groups, strata, seed, num_folds, test_percent), groups, grouping, seed, num_folds, ungrouped
    )


def find_groups(
    kept: dict[str, Prepared], together: list[tuple[str, str]], duplicate_distance: int
) -> tuple[dict[str, str], str]:
    """Returns the first name of each image's group by name, and how groups were found in words."""
    names = list(kept)
    index_of = {name: index for index, name in enumerate(names)}
    pairs = near_duplicate_pairs(np.stack([kept[name].phash for name in names]), duplicate_distance)
    known = [(index_of[a], index_of[b]) for a, b in together if a in index_of and b in index_of]
    first_of_patient: dict[str, int] = {}
    for index, name in enumerate(names):
        patient = kept[name].sample.patient
        if patient is not None:
            pairs.append((first_of_patient.setdefault(patient, index), index))
    ways = ["patient"] * bool(first_of_patient) + [f"pHash distance <= {duplicate_distance} of 256 bits"]
    ways += [f"{len(known)} known pairs"] * bool(known)
    groups = {names[i]: names[root] for i, root in enumerate(connected_groups(len(names), pairs + known))}
    return groups, " and ".join(ways)
