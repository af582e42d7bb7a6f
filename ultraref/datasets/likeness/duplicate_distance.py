"""Up to which distance of their hashes two images are duplicates: chosen by what is usual in a set.

Distances of unrelated images scatter around a middle, on BUSI 125 of 256 bits with a spread of 8.9; those of duplicates lie
far below. The foot of the unrelated is where a tenth of a pair is expected by chance. Between the duplicates and this foot
is the valley, and any distance in it does. So DUPLICATE_DISTANCE, which was judged by eye, stays wherever it lies below the
foot, and the foot takes its place where the images of a set are more alike.
"""

from dataclasses import asdict, dataclass

import numpy as np
from scipy.stats import norm

from ultraref.defaults import DUPLICATE_DISTANCE

# Pairs below which it can't be told what is usual: 20 images have 190.
_FEWEST_PAIRS = 190
# Pairs of unrelated images that are expected up to the foot.
_EXPECTED = 0.1
# Nothing that is this near is unrelated: a recompressed copy has up to 6.
_NEAREST = 10
# The middle and a percentile give the spread. Of the plain distances the 16th, which few duplicates reach; of the mirrored
# ones, where duplicates are none, also the first, which shows a longer tail.
_PLAIN_PERCENTILES, _MIRRORED_PERCENTILES = (16.0,), (16.0, 1.0)


@dataclass(frozen=True)
class DistanceChoice:
    """The largest distance of duplicates, and why.

    Attributes:
        distance: bits.
        why: in words.
        middle, spread: of the distances of unrelated pairs; None where it can't be told.
        foot: bits; None likewise.
        pairs: number of pairs.
        histogram, mirrored_histogram: pairs by distance, as [distance, pairs] where there are any: of images, and of images
            and the left-right mirror images of others.
    """

    distance: int
    why: str
    middle: float | None
    spread: float | None
    foot: int | None
    pairs: int
    histogram: list[list[int]]
    mirrored_histogram: list[list[int]]

    def to_plain(self) -> dict:
        """Returns it for JSON."""
        return asdict(self)


def choose_distance(counts: np.ndarray, mirrored_counts: np.ndarray, given: int | None = None) -> DistanceChoice:
    """Chooses the largest distance of duplicates.

    Args:
        counts: (bits + 1,) number of pairs at each distance (`perceptual_hash.distance_counts`).
        mirrored_counts: likewise of images and the mirror images of others.
        given: what the user wants; the rest is told all the same.
    """
    pairs = int(counts.sum())
    middle = spread = foot = None
    if pairs >= _FEWEST_PAIRS:
        fits = [_fit(counts, percentile) for percentile in _PLAIN_PERCENTILES]
        fits += [_fit(mirrored_counts, percentile) for percentile in _MIRRORED_PERCENTILES]
        z = norm.isf(_EXPECTED / pairs)
        middle, spread = min(fits, key=lambda fit: fit[0] - z * fit[1])
        foot = max(int(np.floor(middle - z * spread)), 0)
    if given is not None:
        distance, why = given, "as given"
    elif foot is None:
        distance, why = (
            DUPLICATE_DISTANCE,
            f"too few images to tell what is usual in the set, so the default {DUPLICATE_DISTANCE}",
        )
    elif foot >= DUPLICATE_DISTANCE:
        distance = DUPLICATE_DISTANCE
        why = f"the default, which lies below the foot of the unrelated pairs ({foot} bits)"
    else:
        distance = max(foot, _NEAREST)
        why = f"the foot of the unrelated pairs, as the default {DUPLICATE_DISTANCE} lies among them"
    histograms = (_sparse(each) for each in (counts, mirrored_counts))
    return DistanceChoice(distance, why, _rounded(middle), _rounded(spread), foot, pairs, *histograms)


def _fit(counts: np.ndarray, percentile: float) -> tuple[float, float]:
    """Middle and spread of a normal distribution with the same middle and lower percentile."""
    distances = np.flatnonzero(counts)
    # Half of the pairs at a distance lie below it: hashes have as many ones as zeros, so that distances are even.
    below = (np.cumsum(counts) - counts / 2)[distances] / counts.sum()
    middle, low = np.interp([0.5, percentile / 100], below, distances)
    return float(middle), max(float(middle - low) / float(norm.isf(percentile / 100)), 1.0)


def _sparse(counts: np.ndarray) -> list[list[int]]:
    return [[int(distance), int(counts[distance])] for distance in np.flatnonzero(counts)]


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)
