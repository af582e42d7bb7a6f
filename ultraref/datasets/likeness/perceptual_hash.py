"""Perceptual hashes, their distances, and the groups that pairs make."""

from collections.abc import Iterator

import imagehash
import numpy as np
from PIL import Image

HASH_SIZE = 16
# Side to which pHash shrinks an image before its DCT, by imagehash.
_SMALL = 4 * HASH_SIZE
# Rows that are compared at once, so that the distances of 20,000 images take no gigabytes.
_BLOCK = 1024
# How an image may be mirrored: axes that are reversed, by name.
FLIPS = {"": (), "left-right": (1,), "up-down": (0,), "both": (0, 1)}


def perceptual_hash(image: np.ndarray) -> np.ndarray:
    """Returns the 256 bits of the pHash (sign of the low-frequency DCT against its median) of (H, W) uint8, as bool."""
    return imagehash.phash(Image.fromarray(image), hash_size=HASH_SIZE).hash.ravel()


def perceptual_hashes(image: np.ndarray) -> np.ndarray:
    """Returns the (4, 256) bool pHashes of (H, W) uint8 mirrored in the ways of FLIPS; the first is `perceptual_hash`.

    The image is shrunk once, to the size that pHash works at: to shrink that again changes nothing.
    """
    small = np.asarray(Image.fromarray(image).resize((_SMALL, _SMALL), Image.Resampling.LANCZOS))
    return np.stack([perceptual_hash(np.ascontiguousarray(np.flip(small, axes))) for axes in FLIPS.values()])


def hash_distances(hashes: np.ndarray, others: np.ndarray | None = None) -> np.ndarray:
    """Returns the (N, M) int Hamming distances of (N, bits) bool hashes to (M, bits) others, themselves by default."""
    # With bits as +-1 the scalar product is bits - 2 distance; whole numbers this small are exact in float32.
    signs, other_signs = (
        np.where(bits, 1, -1).astype(np.float32) for bits in (hashes, hashes if others is None else others)
    )
    return ((hashes.shape[1] - signs @ other_signs.T) / 2).astype(np.int64)


def distances_by_block(hashes: np.ndarray, others: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """Yields (first row, distances of a block of rows to the others), a few MB at a time; see `hash_distances`."""
    for start in range(0, len(hashes), _BLOCK):
        yield start, hash_distances(hashes[start : start + _BLOCK], others)


def near_pairs(hashes: np.ndarray, others: np.ndarray, max_distance: int) -> list[tuple[int, int, int]]:
    """Returns (i, j, distance), i < j, of the hashes i and the others j that differ in at most `max_distance` bits.

    Args:
        hashes: (N, bits) bool.
        others: (N, bits) bool: the same, or those of the same images mirrored.
        max_distance: bits.
    """
    pairs = []
    for start, distances in distances_by_block(hashes, others):
        rows, columns = np.nonzero(distances <= max_distance)
        above = columns > rows + start
        pairs += [(int(i) + start, int(j), int(distances[i, j])) for i, j in zip(rows[above], columns[above])]
    return pairs


def distance_counts(hashes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Returns the (bits + 1,) number of pairs i < j of hashes i and others j at each distance; see `near_pairs`."""
    counts = np.zeros(hashes.shape[1] + 1, np.int64)
    for start, distances in distances_by_block(hashes, others):
        above = np.arange(distances.shape[1]) > np.arange(len(distances))[:, None] + start
        counts += np.bincount(distances[above], minlength=len(counts))
    return counts


def connected_groups(count: int, pairs: list[tuple[int, int]]) -> list[int]:
    """Returns for each of `count` items the smallest index that it is connected to through the pairs (union-find)."""
    parent = list(range(count))

    def root(item: int) -> int:
        while parent[item] != item:
            parent[item] = parent[parent[item]]
            item = parent[item]
        return item

    for first, second in pairs:
        low, high = sorted((root(first), root(second)))
        parent[high] = low
    return [root(item) for item in range(count)]
