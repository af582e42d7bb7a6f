"""Blobs of an exact area, and places for them in a frame."""

import math

import numpy as np

from ultraref.datasets.mask_errors.fields import lowest

# A blob that finds no place is drawn again, with an upper bound on its area this much lower.
SHRINK = 0.7
BLOBS_TRIED = 16
PLACES_TRIED = 4
# Below this many pixels lobes are not to be seen and could tear a blob apart.
LEAST_LOBED_AREA = 40


def draw_blob(area: int, rng: np.random.Generator, lobed: bool = True) -> np.ndarray:
    """An ellipse in a random orientation, its outline modulated by two to four lobes.

    Args:
        area: Number of pixels, at least 1.
        rng: Source of randomness.
        lobed: False for a plain ellipse.

    Returns:
        (h, w) uint8 in {0, 1}, cropped to the blob, with exactly ``area`` ones.
    """
    aspect, angle, phase = rng.uniform(0.5, 1.0), rng.uniform(0.0, math.pi), rng.uniform(0.0, 2.0 * math.pi)
    lobes, depth = int(rng.integers(2, 5)), rng.uniform(0.05, 0.25)
    radius = math.sqrt(area / math.pi)
    reach = math.ceil(1.3 * radius / math.sqrt(aspect)) + 1
    across = np.arange(-reach, reach + 1, dtype=np.float32)
    x, y = across[None, :], across[:, None]
    along_major = np.float32(math.cos(angle)) * x + np.float32(math.sin(angle)) * y
    along_minor = np.float32(math.cos(angle)) * y - np.float32(math.sin(angle)) * x
    field = np.hypot(along_major * np.float32(aspect), along_minor)
    if lobed and area >= LEAST_LOBED_AREA:
        field /= 1 + np.float32(depth) * np.cos(lobes * np.arctan2(y, x) + np.float32(phase))
    blob = lowest(field, area)
    rows, columns = np.flatnonzero(blob.any(axis=1)), np.flatnonzero(blob.any(axis=0))
    return blob[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def scatter_blobs(
    occupied: np.ndarray, count: int, areas: tuple[int, int], rng: np.random.Generator
) -> tuple[np.ndarray, list[int]]:
    """Put blobs into free places, so that none touches another or what is occupied, not even by a corner.

    Areas are log-uniform: small blobs are more common. A blob lies wholly inside the frame.

    Args:
        occupied: (H, W) uint8 in {0, 1}.
        count: How many blobs to place.
        areas: Least and greatest area of a blob in pixels.
        rng: Source of randomness.

    Returns:
        The (H, W) uint8 mask of the blobs alone, and their areas; fewer than ``count`` where no room was found.
    """
    # A border of one pixel makes the neighbours of a blob at the frame's edge addressable.
    taken = np.pad(occupied, 1)
    blobs = np.zeros_like(taken)
    placed = []
    for _ in range(count):
        blob_and_place = _find_place(taken, areas, rng)
        if blob_and_place is None:
            break
        blob, top, left = blob_and_place
        place = (slice(top + 1, top + 1 + blob.shape[0]), slice(left + 1, left + 1 + blob.shape[1]))
        taken[place] |= blob
        blobs[place] |= blob
        placed.append(int(blob.sum()))
    return blobs[1:-1, 1:-1].copy(), placed


def _find_place(
    taken: np.ndarray, areas: tuple[int, int], rng: np.random.Generator
) -> tuple[np.ndarray, int, int] | None:
    """A blob and the (top, left) of a place where it touches nothing, in the frame without the border."""
    low, high = areas
    for _ in range(BLOBS_TRIED):
        area = min(max(round(math.exp(rng.uniform(math.log(low), math.log(high)))), low), high)
        high = max(low, int(SHRINK * high))
        blob = draw_blob(area, rng)
        rows, columns = taken.shape[0] - 2 - blob.shape[0], taken.shape[1] - 2 - blob.shape[1]
        if rows < 0 or columns < 0:
            continue
        for _ in range(PLACES_TRIED):
            top, left = int(rng.integers(rows + 1)), int(rng.integers(columns + 1))
            if not _touches(taken[top : top + blob.shape[0] + 2, left : left + blob.shape[1] + 2], blob):
                return blob, top, left
    return None


def _touches(surroundings: np.ndarray, blob: np.ndarray) -> bool:
    """Whether the blob, or a neighbour of one of its pixels, is set in ``surroundings``, one pixel larger each side."""
    if not surroundings.any():
        return False
    height, width = blob.shape
    return any(
        (surroundings[row : row + height, column : column + width] & blob).any()
        for row in range(3)
        for column in range(3)
    )
