"""Finds the near-duplicates of a set: images that must lie in one part of its split."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from ultraref.datasets.likeness.duplicate_distance import DistanceChoice, choose_distance
from ultraref.datasets.likeness.perceptual_hash import FLIPS, connected_groups, distance_counts, near_pairs
from ultraref.datasets.likeness.view import Comparison, View, compare

# A mirrored copy must be nearer by so many bits than one that is not mirrored, and show as much in common as `_SURE` says.
_MIRRORED_BITS = 16
# Cropped copies lie beyond the distance of duplicates. So many bits further they are found if they show this in common, which is
# more than any pair of BUSI's that is no copy.
_CROPPED_BITS = 14
_SURE = Comparison(correlation=0.6, detail=0.25)
# Registrations for each image of the set: the nearest candidates come first.
_REGISTRATIONS = 2
# A group of duplicates may hold this share of the set, and this many images, without being asked about; the first counts from
# the least on, as two of twenty images are a tenth.
LARGEST_SHARE, LARGEST_GROUP, LEAST_LARGE = 0.02, 30, 6


@dataclass(frozen=True)
class DuplicatePair:
    """Two images of a set that show the same.

    Attributes:
        first, second: places, first < second.
        distance: bits in which the hashes differ.
        flip: how the second is mirrored to match, one of FLIPS.
    """

    first: int
    second: int
    distance: int
    flip: str = ""


@dataclass(frozen=True)
class Duplicates:
    """What was found.

    Attributes:
        pairs: near-duplicates.
        choice: the distance up to which they count without registration, and why.
    """

    pairs: list[DuplicatePair]
    choice: DistanceChoice


def find_duplicates(views: Sequence[View], distance: int | None = None) -> Duplicates:
    """Finds pairs of near-duplicates.

    Two images are that if their hashes differ in at most so many bits as the set's own distances say, or if they are mirrored
    or cropped copies by the stricter rules above.

    Args:
        views: of each image.
        distance: largest distance; None chooses it (`choose_distance`).
    """
    hashes = [np.stack([view.hashes[number] for view in views]) for number in range(len(FLIPS))]
    choice = choose_distance(distance_counts(hashes[0], hashes[0]), distance_counts(hashes[0], hashes[1]), distance)
    pairs = [DuplicatePair(*pair) for pair in near_pairs(hashes[0], hashes[0], choice.distance)]
    known = {(pair.first, pair.second) for pair in pairs}
    candidates = []
    for flip, others in zip(FLIPS, hashes):
        limit = choice.distance - _MIRRORED_BITS if flip else choice.distance + _CROPPED_BITS
        candidates += [
            DuplicatePair(*pair, flip) for pair in near_pairs(hashes[0], others, limit) if pair[:2] not in known
        ]
    candidates.sort(key=lambda pair: (pair.distance, pair.first, pair.second))
    candidates = candidates[: _REGISTRATIONS * len(views)]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        found = list(pool.map(lambda pair: compare(views[pair.first], views[pair.second], pair.flip), candidates))
    sure = (each.correlation >= _SURE.correlation and each.detail >= _SURE.detail for each in found)
    pairs += [pair for pair, is_sure in zip(candidates, sure) if is_sure]
    return Duplicates(pairs, choice)


def largest_allowed(count: int) -> int:
    """Returns how many images a group of duplicates in a set of `count` may have without being asked about."""
    return min(LARGEST_GROUP, max(LEAST_LARGE, int(count * LARGEST_SHARE)))


def divide(members: Sequence[int], pairs: Sequence[DuplicatePair], limit: int) -> list[DuplicatePair]:
    """Leaves out the farthest pairs of a group, until no part of it is larger than the limit.

    Args:
        members: places of its images.
        pairs: those within it.
        limit: images.

    Returns:
        The pairs that are left: all up to the largest distance at which the parts are small enough.
    """
    place = {member: number for number, member in enumerate(members)}
    for distance in sorted({pair.distance for pair in pairs}, reverse=True):
        left = [pair for pair in pairs if pair.distance < distance]
        roots = connected_groups(len(members), [(place[pair.first], place[pair.second]) for pair in left])
        if max(map(roots.count, set(roots))) <= limit:
            return left
    return []
