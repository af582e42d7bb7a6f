"""Groups of near-duplicate images, by perceptual hash."""

import imagehash
import numpy as np
from PIL import Image

HASH_SIZE = 16
HASH_BITS = HASH_SIZE**2


def perceptual_hash(image: np.ndarray) -> np.ndarray:
    """Returns the 256 bits of the pHash (sign of the low-frequency DCT against its median) of (H, W) uint8, as bool."""
    return imagehash.phash(Image.fromarray(image), hash_size=HASH_SIZE).hash.ravel()


def hash_distances(hashes: np.ndarray, others: np.ndarray | None = None) -> np.ndarray:
    """Returns the (N, M) int Hamming distances of (N, bits) bool hashes to (M, bits) others, themselves by default."""
    # With bits as +-1 the scalar product is bits - 2 distance; whole numbers this small are exact in float32.
    signs, other_signs = (
        np.where(bits, 1, -1).astype(np.float32) for bits in (hashes, hashes if others is None else others)
    )
    return ((hashes.shape[1] - signs @ other_signs.T) / 2).astype(np.int64)


def near_duplicate_pairs(hashes: np.ndarray, max_distance: int) -> list[tuple[int, int]]:
    """Returns the pairs (i, j), i < j, of (N, bits) hashes that differ in at most `max_distance` bits."""
    return [(int(i), int(j)) for i, j in zip(*np.nonzero(np.triu(hash_distances(hashes) <= max_distance, k=1)))]


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
