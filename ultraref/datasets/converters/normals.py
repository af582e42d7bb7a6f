"""Deals images without a lesion out to the test set and the folds, after those with one."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from ultraref.datasets.converters.assign_splits import TEST, assign_grouped, assign_plain
from ultraref.datasets.converters.given_parts import TRAIN
from ultraref.datasets.converters.grouping import SplitPlan
from ultraref.errors import UserError


def with_normals(
    plan: SplitPlan, normals: Collection[str], wide: Mapping[str, str], test_percent: int
) -> tuple[SplitPlan, list[str]]:
    """Adds the normals to the split of the images with a lesion, which stays as it is.

    Args:
        plan: of the images with a lesion. Normals whose part it gives keep it; "train" is one of the folds that the other training
            images were dealt to.
        normals: names of the images without a lesion.
        wide: groups of all images together, by name.
        test_percent: as of `assign_grouped`.

    Returns:
        The split of both, and the names of the normals that have no part: see `deal_normals`.

    Raises:
        UserError: a normal is given to a fold that holds out no lesion.
    """
    decided = {name: plan.decided[name] for name in normals if name in plan.decided}
    strange = [name for name, part in decided.items() if isinstance(part, int) and part >= plan.num_folds]
    if strange:
        raise UserError(
            f"{strange[0]} is a normal of fold {decided[strange[0]]}, which holds out no image with a lesion; there are "
            f"{plan.num_folds} folds, from 0 up"
        )
    training = [name for name, part in decided.items() if part == TRAIN]
    free = [name for name in normals if name not in decided]
    folds = plan.training_folds or list(range(plan.num_folds))
    own, torn = deal_normals(free, plan.parts, wide, plan.seed, range(plan.num_folds), test_percent, plan.ungrouped)
    in_folds = {name: part for name, part in plan.parts.items() if part in folds}
    trained, torn_too = deal_normals(training, in_folds, wide, plan.seed, folds, 0, plan.ungrouped)
    own |= {name: part for name, part in decided.items() if part != TRAIN} | trained
    # Where a group has lesions, it is called as it is without the normals.
    called: dict[str, str] = {}
    for name in plan.parts:
        called.setdefault(wide[name], plan.groups[name])
    groups = {name: called.get(wide[name], wide[name]) for name in own}
    return replace(plan, parts={**plan.parts, **own}, groups={**plan.groups, **groups}), sorted([*torn, *torn_too])


def deal_normals(
    normals: Collection[str],
    parts: Mapping[str, str | int],
    groups: Mapping[str, str],
    seed: int,
    folds: Sequence[int],
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
        seed, test_percent: as of `assign_grouped`.
        folds: those that they are dealt to.
        ungrouped: deals single images instead, whatever their groups.

    Returns:
        "test" or the fold of each normal, by name; and the normals that have no part, as their group has lesions in several ones.
    """
    if ungrouped:
        return _of(folds, assign_plain(sorted(normals), seed, len(folds), test_percent)), []
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
        found |= _of(folds, assign_grouped(free, dict.fromkeys(free, "normal"), seed, len(folds), test_percent))
    return found, torn


def _of(folds: Sequence[int], parts: Mapping[str, str | int]) -> dict[str, str | int]:
    return {name: TEST if part == TEST else folds[part] for name, part in parts.items()}
