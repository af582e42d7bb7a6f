"""Pairs of images that show the same: candidates by perceptual hash, confirmed by registered correlation."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from ultraref.datasets.audit.images import FLIPS, AuditImage
from ultraref.datasets.audit.registration import registered_correlation
from ultraref.datasets.converters.duplicates import hash_distances
from ultraref.defaults import CANDIDATE_DISTANCE, CORRELATION


@dataclass(frozen=True)
class Pair:
    """Two images that may show the same.

    Attributes:
        first, second: places in the list of images, first < second.
        flip: how the second is flipped to match, one of FLIPS.
        distance: bits in which the hashes differ, of 256.
        correlation: after registration, in [-1, 1].
        exact: whether the pixels are equal.
        confirmed: whether the correlation reaches the threshold.
    """

    first: int
    second: int
    flip: str
    distance: int
    correlation: float
    exact: bool
    confirmed: bool


def find_pairs(
    images: list[AuditImage],
    max_distance: int = CANDIDATE_DISTANCE,
    min_correlation: float = CORRELATION,
    progress: Callable = iter,
) -> list[Pair]:
    """Compares all images with each other, and with each other's flipped copies.

    Args:
        images: the images.
        max_distance: largest hash distance of a candidate.
        min_correlation: smallest correlation that confirms a candidate.
        progress: wraps the list of candidates as it is gone through.

    Returns:
        For each pair of candidates the flip of the highest correlation; sorted by distance, then by place.
    """
    plain = np.stack([image.hashes[0] for image in images])
    candidates = []
    for number, flip in enumerate(FLIPS):
        distances = hash_distances(plain, np.stack([image.hashes[number] for image in images]))
        rows, columns = np.nonzero(np.triu(distances <= max_distance, k=1))
        candidates += [(int(i), int(j), flip, int(distances[i, j])) for i, j in zip(rows, columns)]

    def compare(candidate) -> Pair:
        i, j, flip, distance = candidate
        exact = not flip and images[i].pixels == images[j].pixels
        flipped = np.ascontiguousarray(np.flip(images[j].contrast, FLIPS[flip]))
        # Equal images without any contrast can't be registered.
        correlation = 1.0 if exact else registered_correlation(images[i].contrast, flipped)
        return Pair(i, j, flip, distance, correlation, exact, correlation >= min_correlation)

    best: dict[tuple[int, int], Pair] = {}
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        futures = [pool.submit(compare, candidate) for candidate in candidates]
        try:
            for _, future in zip(progress(candidates), futures):
                pair = future.result()
                key = (pair.first, pair.second)
                if key not in best or pair.correlation > best[key].correlation:
                    best[key] = pair
        finally:
            pool.shutdown(cancel_futures=True)
    return sorted(best.values(), key=lambda pair: (pair.distance, pair.first, pair.second))
