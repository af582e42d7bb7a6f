"""Areas, overlaps and windows of binary masks. Masks are (H, W) uint8 in {0, 1}."""

import math

import cv2
import numpy as np


def area_of(mask: np.ndarray) -> int:
    """Number of lesion pixels."""
    return cv2.countNonZero(mask)


def dice(mask: np.ndarray, other: np.ndarray) -> float:
    """Dice coefficient 2 |A and B| / (|A| + |B|); 1 for two empty masks."""
    total = area_of(mask) + area_of(other)
    return 2.0 * area_of(cv2.bitwise_and(mask, other)) / total if total else 1.0


def bounding_box(mask: np.ndarray) -> tuple[int, int, int, int]:
    """The lesion's (top, left, bottom, right), the last two exclusive; all 0 for an empty mask."""
    left, top, width, height = cv2.boundingRect(mask)
    return top, left, top + height, left + width


def window_around(mask: np.ndarray, pad: int) -> tuple[slice, slice]:
    """Slices of the lesion's bounding box grown by ``pad`` pixels on each side, as far as the frame reaches."""
    top, left, bottom, right = bounding_box(mask)
    height, width = mask.shape
    return slice(max(top - pad, 0), min(bottom + pad, height)), slice(max(left - pad, 0), min(right + pad, width))


def draw_pixel(mask: np.ndarray, rng: np.random.Generator) -> tuple[int, int]:
    """(row, column) of a lesion pixel, each as likely as another."""
    pixels = np.flatnonzero(mask)
    row, column = divmod(int(pixels[rng.integers(pixels.size)]), mask.shape[1])
    return row, column


def count_range(area: int, fraction: tuple[float, float]) -> tuple[int, int]:
    """Least and greatest pixel count in the range ``fraction`` of ``area``; the wrong way round where there is none."""
    # 1e-9 keeps 0.1 * 30 = 3.0000000000000004 from being rounded up to 4.
    return max(math.ceil(fraction[0] * area - 1e-9), 0), math.floor(fraction[1] * area + 1e-9)


def draw_count(area: int, fraction: tuple[float, float], rng: np.random.Generator) -> int | None:
    """A pixel count that is uniform in the range ``fraction`` of ``area``; None where no whole number lies in it."""
    low, high = count_range(area, fraction)
    if low > high:
        return None
    return min(max(round(rng.uniform(*fraction) * area), low), high)
