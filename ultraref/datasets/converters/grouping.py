"""Which images of a set belong together, and which part each group goes to."""

import os
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from ultraref.datasets.converters.assign_splits import TEST, assign_grouped, assign_plain, size_strata
from ultraref.datasets.converters.duplicates import DuplicatePair, Duplicates, divide, find_duplicates, largest_allowed
from ultraref.datasets.converters.given_parts import TRAIN, deal_training
from ultraref.datasets.converters.given_splits import GivenSplits
from ultraref.datasets.converters.prepare import Prepared
from ultraref.datasets.converters.raw_sample import Found
from ultraref.datasets.converters.split_manifest import SplitManifest
from ultraref.datasets.judged_pairs import JudgedPairs
from ultraref.datasets.likeness.confidence import Unrelated, is_confident
from ultraref.datasets.likeness.furniture import Furniture, find_furniture
from ultraref.datasets.likeness.perceptual_hash import connected_groups
from ultraref.datasets.likeness.view import View, compare
from ultraref.defaults import HASH_BITS
from ultraref.errors import UserError


@dataclass(frozen=True)
class SplitOptions:
    """What the user says of the split; see `convert`."""

    seed: int = 0
    num_folds: int = 5
    test_percent: int = 20
    ungrouped: bool = False
    duplicate_distance: int | None = None
    accept_large_groups: bool = False
    manifest: SplitManifest | None = None
    given: GivenSplits | None = None
    pairs: JudgedPairs | None = None


@dataclass(frozen=True)
class LargeGroup:
    """More near-duplicates than a set usually has of one picture.

    Attributes:
        names: of the images.
        accepted: whether they are one group all the same.
        distance: largest hash distance of the pairs that are left in it.
        largest: images of its largest part after it was divided, or of itself.
    """

    names: list[str]
    accepted: bool
    distance: int
    largest: int


@dataclass(frozen=True)
class Groups:
    """The groups of a set.

    Attributes:
        of: name of the first image of each image's group, by name.
        description: how they were found, in words.
        certain: groups by what is known or confirmed alone, by name: patients, videos, known and judged pairs, equal pixels.
        large: groups of duplicates that are larger than usual.
        facts: for the report, in plain types.
        near: pairs of near-duplicates that are left, as places in the order of the names.
        views: what of each image was compared.
    """

    of: dict[str, str]
    description: str
    certain: dict[str, str]
    near: list[DuplicatePair]
    views: list[View]
    large: list[LargeGroup] = field(default_factory=list)
    facts: dict = field(default_factory=dict)


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
        large: see `Groups`.
        facts: what the report says of duplicates and of the split, in plain types.
        decided: the part of normals that is given: "test", "train" or the fold, by name.
        training_folds: the folds that given training images of no fold were dealt to.
    """

    parts: dict[str, str | int]
    groups: dict[str, str]
    grouping: str
    seed: int
    num_folds: int
    ungrouped: bool
    large: list[LargeGroup] = field(default_factory=list)
    facts: dict = field(default_factory=dict)
    decided: dict[str, str | int] = field(default_factory=dict)
    training_folds: list[int] = field(default_factory=list)

    @property
    def grouped(self) -> bool:
        """Whether no group lies in two parts."""
        return not self.ungrouped and not self.parted

    @property
    def parted(self) -> list[list[str]]:
        """The groups that lie in several parts: names of their images."""
        return [own for own in members_of(self.groups).values() if len({self.parts[name] for name in own}) > 1]


def plan_split(
    kept: dict[str, Prepared], normals: dict[str, Prepared], found: Found, dataset: str, options: SplitOptions
) -> SplitPlan:
    """Groups the images of a set and deals the groups out.

    Args:
        kept: the images with a lesion, by name, sorted.
        normals: those without one. They are dealt out afterwards (`with_normals`), but a given split may list them.
        found: says what is known to belong together.
        dataset: name of the set.
        options: what the user wants.

    Raises:
        UserError: the manifest is of other files, the given split doesn't fit, or judged pairs name images that aren't there.
    """
    manifest = options.manifest
    if manifest is not None:
        manifest.check({name: item.sample for name, item in kept.items()})
        parts = {name: TEST if entry.fold is None else entry.fold for name, entry in manifest.images.items()}
        groups = {name: entry.group for name, entry in manifest.images.items()}
        return SplitPlan(parts, groups, manifest.grouping, manifest.seed, manifest.num_folds, not manifest.grouped)
    groups = find_groups(kept, found.together, dataset, options)
    official = {name: item.sample.fold for name, item in (kept | normals).items() if item.sample.fold is not None}
    if options.given is not None:
        if official:
            raise UserError(
                f"{options.given.path} and the source's own split both decide the split; leave one of them out"
            )
        with_lesion, without = ({name: item.sample for name, item in each.items()} for each in (kept, normals))
        given = options.given.apply(with_lesion, without)
        return _decided_plan(kept, groups, given, "given", options)
    if official.keys() & kept.keys():
        return _decided_plan(kept, groups, official, "official", options)
    if options.ungrouped:
        parts = assign_plain(list(kept), options.seed, options.num_folds, options.test_percent)
        groups_of, description = {name: name for name in kept}, "none"
    else:
        parts = assign_grouped(groups.of, _strata(kept), options.seed, options.num_folds, options.test_percent)
        groups_of, description = groups.of, groups.description
    return SplitPlan(
        parts, groups_of, description, options.seed, options.num_folds, options.ungrouped, groups.large, groups.facts
    )


def find_groups(
    kept: dict[str, Prepared], together: list[tuple[str, str]], dataset: str, options: SplitOptions
) -> Groups:
    """Finds which images belong together: by patient, video, near-duplicates, and what a person says.

    Args:
        kept: the images, by name.
        together: pairs that are known; see `Found`.
        dataset: name of the set.
        options: what the user wants.

    Raises:
        UserError: judged pairs name images that aren't there.
    """
    names = list(kept)
    index_of = {name: index for index, name in enumerate(names)}
    accepted, rejected = ([], []) if options.pairs is None else options.pairs.of(dataset, names)
    furniture = find_set_furniture(kept)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        views = list(pool.map(lambda item: furniture.view(item.thumbnail, item.hashes, _kind(item)), kept.values()))
    duplicates = find_duplicates(views, options.duplicate_distance)
    no = {tuple(sorted((index_of[a], index_of[b]))) for a, b in rejected}
    pairs = [pair for pair in duplicates.pairs if (pair.first, pair.second) not in no]
    known = [(index_of[a], index_of[b]) for a, b in together if a in index_of and b in index_of]
    known = [pair for pair in known if tuple(sorted(pair)) not in no]
    known += [(index_of[a], index_of[b]) for a, b in accepted]
    patients, videos = _chain(kept, "patient"), _chain(kept, "video")
    same_pixels = _equal(item.thumbnail.tobytes() + item.hashes.tobytes() for item in kept.values())
    certain = [*known, *patients, *videos, *(pair for pair in same_pixels if pair not in no)]
    pairs, large = _check_large(names, pairs, options.accept_large_groups)
    distance = duplicates.choice.distance
    copies = [(pair.first, pair.second) for pair in pairs if pair.flip or pair.distance > distance]
    near = [(pair.first, pair.second) for pair in pairs if not pair.flip and pair.distance <= distance]
    count = len(names)
    sure, without_copies = connected_groups(count, certain), connected_groups(count, near + certain)
    roots = connected_groups(count, near + certain + copies)
    ways = (
        ["patient"] * bool(patients) + ["video"] * bool(videos) + [f"pHash distance <= {distance} of {HASH_BITS} bits"]
    )
    # Only where they connect what nothing else does.
    more = len(set(without_copies)) - len(set(roots))
    ways += [f"{more} mirrored or cropped copies"] * bool(more) + [f"{len(known)} known pairs"] * bool(known)
    facts = _facts(duplicates, furniture, large, names)
    facts["pairs_rejected_but_together"] = [[names[a], names[b]] for a, b in sorted(no) if roots[a] == roots[b]]
    return Groups(
        {name: names[root] for name, root in zip(names, roots)},
        " and ".join(ways),
        {name: names[root] for name, root in zip(names, sure)},
        pairs,
        views,
        large,
        facts,
    )


def find_set_furniture(kept: Mapping[str, Prepared]) -> Furniture:
    """Finds the screens that images of one size, and of one device where it is known, have in common."""
    items = list(kept.values())
    units = [item.sample.video or item.sample.patient for item in items]
    return find_furniture([item.thumbnail for item in items], [_kind(item) for item in items], units)


def members_of(groups: Mapping[str, str]) -> dict[str, list[str]]:
    """Returns the names in each group."""
    members: dict[str, list[str]] = {}
    for name, group in groups.items():
        members.setdefault(group, []).append(name)
    return members


def _kind(item: Prepared) -> tuple:
    return (*item.size, item.sample.attributes.get("device"))


def _chain(kept: Mapping[str, Prepared], attribute: str) -> list[tuple[int, int]]:
    """Pairs of each image that has the attribute with the first image that has the same."""
    first: dict[tuple, int] = {}
    pairs = []
    for index, item in enumerate(kept.values()):
        value = getattr(item.sample, attribute)
        if value is not None:
            # Two patients may each have a video of one name.
            key = (value, item.sample.patient if attribute == "video" else None)
            pairs.append((first.setdefault(key, index), index))
    return pairs


def _equal(contents) -> list[tuple[int, int]]:
    first: dict[bytes, int] = {}
    return [(first[c], index) for index, c in enumerate(contents) if first.setdefault(c, index) != index]


def _check_large(names: list[str], pairs: list, accept: bool) -> tuple[list, list[LargeGroup]]:
    """Returns the pairs that count, and the groups of duplicates that are larger than usual."""
    limit = largest_allowed(len(names))
    roots = connected_groups(len(names), [(pair.first, pair.second) for pair in pairs])
    sizes, large = Counter(roots), []
    for root in sorted(root for root, size in sizes.items() if size > limit):
        members = [index for index, own in enumerate(roots) if own == root]
        own = [pair for pair in pairs if roots[pair.first] == root]
        left = own if accept else divide(members, own, limit)
        if not accept:
            pairs = [pair for pair in pairs if roots[pair.first] != root] + left
        parts = Counter(connected_groups(len(names), [(pair.first, pair.second) for pair in left]))
        large.append(
            LargeGroup(
                [names[index] for index in members],
                accept,
                max((p.distance for p in left), default=0),
                max(parts.values()),
            )
        )
    return pairs, large


def _facts(duplicates: Duplicates, furniture: Furniture, large: list[LargeGroup], names: list[str]) -> dict:
    frames = [
        {"size": list(kind[:2]), "device": kind[2], "images": frame.count, "percent": round(100 * frame.share, 1)}
        for kind, frame in furniture.frames.items()
    ]
    return {
        **duplicates.choice.to_plain(),
        "near_duplicate_pairs": len(duplicates.pairs),
        "mirrored_pairs": sum(pair.flip != "" for pair in duplicates.pairs),
        "furniture": frames,
        "large_groups": [
            {
                "images": len(g.names),
                "accepted": g.accepted,
                "distance_left": g.distance,
                "largest_left": g.largest,
                "names": g.names,
            }
            for g in large
        ],
    }


def _decided_plan(kept: dict[str, Prepared], groups: Groups, given, whose: str, options: SplitOptions) -> SplitPlan:
    """A split that someone else decided, but for training images of no fold, which are dealt out by groups (`given_parts`).

    Fold 0 then trains on the given training part and validates on the given validation part; the other folds give the
    predictions on images that were held out, which phase 2 trains on. The split is judged by groups that are certain, and
    near-duplicates in two parts are told only if registration confirms them.
    """
    decided = {name: part for name, part in given.items() if name not in kept}
    given = {name: part for name, part in given.items() if name in kept}
    parts = deal_training(given, groups.of, _strata(kept), options.seed, options.num_folds)
    num_folds = 1 + max((part for part in parts.values() if part != TEST), default=0)
    empty = sorted(set(range(num_folds)) - set(parts.values()))
    if empty and set(parts.values()) != {TEST}:
        raise UserError(
            f"the {whose} split has no image with a lesion in fold {', '.join(map(str, empty))} of {num_folds}; folds are numbered "
            "from 0 or 1"
        )
    words = (
        f"{whose} {num_folds} folds"
        if parts == given
        else f"{whose} parts, train dealt to folds by {groups.description}"
    )
    names, parted = list(groups.of), []
    for pair in groups.near:
        first, second = names[pair.first], names[pair.second]
        if parts[first] != parts[second] and groups.certain[first] != groups.certain[second]:
            score = Unrelated().score(compare(groups.views[pair.first], groups.views[pair.second], pair.flip))
            parted += [[first, second]] * is_confident(score, pair.flip)
    facts = {**groups.facts, "parted_near_duplicates": parted}
    training_folds = sorted({parts[name] for name, part in given.items() if part == TRAIN})
    return SplitPlan(
        parts, groups.certain, words, options.seed, num_folds, False, groups.large, facts, decided, training_folds
    )


def _strata(kept: Mapping[str, Prepared]) -> dict[str, str]:
    return size_strata(
        {name: item.category for name, item in kept.items()},
        {name: item.lesion_parts_per_million for name, item in kept.items()},
    )
