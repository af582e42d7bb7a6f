"""Deals images without a lesion out to the test set and the folds, after those with one."""

from collections.abc import Collection, Mapping
from dataclasses import replace

from ultraref.datasets.converters.assign_splits import assign_grouped, assign_plain
from ultraref.datasets.converters.grouping import SplitPlan
from ultraref.datasets.converters.raw_sample import RawSample


def with_normals(
    plan: SplitPlan, normals: Collection[RawSample], wide: Mapping[str, str], test_percent: int
) -> tuple[SplitPlan, list[str]]:
    """Adds the normals to the split of the images with a lesion, which stays as it is.

    Args:
        plan: of the images with a lesion.
        normals: the images without one. Those that have an official fold keep it.
        wide: groups of all images together, by name.
        test_percent: as of `assign_grouped`.

    Returns:
        The split of both, and the names of the normals that have no part: see `deal_normals`.
    """
    official = {sample.name: sample.fold for sample in normals if sample.fold is not None}
    free = [sample.name for sample in normals if sample.name not in official]
    dealt, torn = deal_normals(free, plan.parts, wide, plan.seed, plan.num_folds, test_percent, plan.ungrouped)
    # Where a group has lesions, it is called as it is without the normals.
    called: dict[str, str] = {}
    for name in plan.parts:
        called.setdefault(wide[name], plan.groups[name])
    own = {**official, **dealt}
    groups = {name: called.get(wide[name], wide[name]) for name in own}
    return replace(plan, parts={**plan.parts, **own}, groups={**plan.groups, **groups}), torn


def deal_normals(
    normals: Collection[str],
    parts: Mapping[str, str | int],
    groups: Mapping[str, str],
    seed: int,
    num_folds: int,
    test_percent: int,
    ungrouped: bool,
) -> tuple[dict[str, str | int], list[str]]:
    """Gives each normal a part. Those of the images with a lesion stay as they are, so that a model that was trained on the set
    without its normals may be tested on both.

    A group, a patient say, with a lesion somewhere goes where its lesions are; the others are dealt out by themselves.

    Args:
        normals: names of the images without a lesion.
        parts: "test" or the fold of each image with a lesion, by name.
        groups: group of each image, those with a lesion among them, by name.
        seed, num_folds, test_percent: as of `assign_grouped`.
        ungrouped: deals single images instead, whatever their groups.

    Returns:
        "test" or the fold of each normal, by name; and the normals that have no part, as their group has lesions in several ones.
    """
    if ungrouped:
        return assign_plain(sorted(normals), seed, num_folds, test_percent), []
    taken: dict[str, set[str | int]] = {}
    for name, part in parts.items():
        taken.setdefault(groups[name], set()).add(part)
    found: dict[str, str | int] = {}
    torn, free = [], {}
    for name in sorted(normals):
        places = taken.get(groups[name], set())
        if len(places) == 1:
            (found[name],) = places
        elif places:
            torn.append(name)
        else:
            free[name] = groups[name]
    if free:
        found.update(assign_grouped(free, dict.fromkeys(free, "normal"), seed, num_folds, test_percent))
    return found, torn
