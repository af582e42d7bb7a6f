"""Pairs of images that show the same: candidates by perceptual hash, confirmed by registration."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from ultraref.datasets.audit.images import AuditImage
from ultraref.datasets.judged_pairs import JudgedPairs
from ultraref.datasets.likeness.confidence import Unrelated, is_confident
from ultraref.datasets.likeness.perceptual_hash import FLIPS, distance_counts, near_pairs
from ultraref.datasets.likeness.view import Comparison, compare
from ultraref.defaults import CANDIDATE_DISTANCE, CORRELATION

# Images and mirror images of others that are compared to learn what unrelated ones reach; more where more are candidates.
_UNRELATED = 60
# What equal pixels score: above anything that is measured.
EXACT_SCORE = 99.0


@dataclass(frozen=True)
class Pair:
    """Two images that may show the same.

    Attributes:
        first, second: places in the list of images, first < second.
        flip: how the second is flipped to match, one of FLIPS.
        distance: bits in which the hashes differ, of 256.
        correlation, detail: after registration, in [-1, 1]; see `likeness.view.Comparison`.
        score: spreads above the middle of unrelated pairs; see `likeness.confidence`.
        exact: whether the pixels are equal.
        confirmed: whether the two show the same: by a person's verdict, else by score and correlation.
        judged: whether a person gave a verdict.
    """

    first: int
    second: int
    flip: str
    distance: int
    correlation: float
    detail: float
    score: float
    exact: bool
    confirmed: bool
    judged: bool = False


def find_pairs(
    images: list[AuditImage],
    max_distance: int = CANDIDATE_DISTANCE,
    min_correlation: float = CORRELATION,
    judged: JudgedPairs | None = None,
    progress: Callable = iter,
) -> tuple[list[Pair], Unrelated]:
    """Compares all images with each other, and with each other's flipped copies.

    Args:
        images: the images.
        max_distance: largest hash distance of a candidate.
        min_correlation: smallest correlation that confirms a candidate, if its score does.
        judged: verdicts of a person; a pair that one is given of is a candidate at any distance.
        progress: wraps the list of candidates as it is gone through.

    Returns:
        For each pair of candidates the flip of the highest score, the surest first; and what unrelated pairs reach.
    """
    hashes = [np.stack([image.view.hashes[number] for image in images]) for number in range(len(FLIPS))]
    candidates = [
        (*pair, flip) for flip, others in zip(FLIPS, hashes) for pair in near_pairs(hashes[0], others, max_distance)
    ]
    verdicts = _verdicts(images, judged)
    near = {candidate[:2] for candidate in candidates}
    candidates += [(i, j, int((hashes[0][i] != hashes[0][j]).sum()), "") for i, j in sorted(verdicts.keys() - near)]

    def measure(candidate) -> Comparison:
        i, j, _, flip = candidate
        # Equal images without any contrast can't be registered.
        return Comparison(1.0, 1.0) if _exact(images, candidate) else compare(images[i].view, images[j].view, flip)

    mirrored = [candidate for candidate in candidates if candidate[3]]
    further = _further_mirrored(hashes, set(mirrored))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        futures = [pool.submit(measure, candidate) for candidate in [*candidates, *further]]
        try:
            measured = [future.result() for _, future in zip(progress([*candidates, *further]), futures)]
        finally:
            pool.shutdown(cancel_futures=True)
    unrelated = Unrelated.measure(m for c, m in zip([*candidates, *further], measured) if c[3])
    best: dict[tuple[int, int], Pair] = {}
    for candidate, found in zip(candidates, measured):
        i, j, distance, flip = candidate
        exact, verdict = _exact(images, candidate), verdicts.get((i, j))
        score = EXACT_SCORE if exact else unrelated.score(found)
        sure = exact or (is_confident(score, flip) and found.correlation >= min_correlation)
        confirmed = sure if verdict is None else verdict
        pair = Pair(
            i, j, flip, distance, found.correlation, found.detail, score, exact, confirmed, judged=verdict is not None
        )
        if (i, j) not in best or pair.score > best[i, j].score:
            best[i, j] = pair
    return sorted(best.values(), key=lambda pair: (-pair.score, pair.distance, pair.first, pair.second)), unrelated


def _exact(images: list[AuditImage], candidate: tuple[int, int, int, str]) -> bool:
    i, j, _, flip = candidate
    return not flip and images[i].pixels == images[j].pixels


def _verdicts(images: list[AuditImage], judged: JudgedPairs | None) -> dict[tuple[int, int], bool]:
    """Returns the verdicts by places, first < second; those on images that aren't audited are passed over."""
    if judged is None:
        return {}
    places: dict[tuple[str, str], list[int]] = {}
    for index, image in enumerate(images):
        for dataset in ("", image.dataset):
            places.setdefault((dataset, image.name), []).append(index)
    found = {}
    for (first, second), same in judged.verdicts.items():
        for i in places.get(first, ()):
            for j in places.get(second, ()):
                # Names without a set are of one and the same.
                if i != j and (first[0] or second[0] or images[i].dataset == images[j].dataset):
                    found[min(i, j), max(i, j)] = same
    return found


def _further_mirrored(hashes: list[np.ndarray], known: set) -> list[tuple[int, int, int, str]]:
    """The nearest pairs of images and the left-right mirror images of others, where few are candidates."""
    wanted = _UNRELATED - len(known)
    if wanted <= 0:
        return []
    flip = list(FLIPS)[1]
    below = np.cumsum(distance_counts(hashes[0], hashes[1]))
    limit = int(np.searchsorted(below, min(_UNRELATED, below[-1])))
    pairs = [(*pair, flip) for pair in near_pairs(hashes[0], hashes[1], limit)]
    return sorted((pair for pair in pairs if pair not in known), key=lambda pair: (pair[2], pair[:2]))[:wanted]
