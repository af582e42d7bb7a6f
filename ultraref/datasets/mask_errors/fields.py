"""Scalar fields over a frame, and the level sets that errors cut out of them.

An error that must hit an area takes the pixels with the lowest values of a field (a distance, say). Choosing them by
rank and not by a threshold makes the area exact: a distance transform has many ties, and a threshold on it can
overshoot a small lesion's area several times.
"""

import math

import cv2
import numpy as np


def distance_inside(mask: np.ndarray, exact: bool = False) -> np.ndarray:
    """Distance of each lesion pixel to the nearest background pixel, 0 on the background.

    The frame's edge is not background: a lesion that the frame cuts goes on behind it.

    Args:
        mask: (H, W) uint8 in {0, 1} with some background.
        exact: Euclidean to float precision; else the 5x5 chamfer distance, within about 2 %, in half the time.

    Returns:
        (H, W) float32 in pixels.
    """
    return cv2.distanceTransform(mask, cv2.DIST_L2, cv2.DIST_MASK_PRECISE if exact else cv2.DIST_MASK_5)


def distance_outside(mask: np.ndarray, exact: bool = False) -> np.ndarray:
    """Distance of each background pixel to the nearest lesion pixel; as :func:`distance_inside` otherwise."""
    return distance_inside(1 - mask, exact)


def smooth_noise(shape: tuple[int, int], cell: float, rng: np.random.Generator) -> np.ndarray:
    """Random values at the nodes of a grid, interpolated smoothly.

    Args:
        shape: (height, width) in pixels.
        cell: Spacing of the grid in pixels, about the size of one bump; at most half of each side is used.
        rng: Source of randomness.

    Returns:
        (height, width) float32, mostly in [-1, 1].
    """
    height, width = shape
    nodes = rng.uniform(-1.0, 1.0, [max(round(side / cell), 2) for side in shape]).astype(np.float32)
    # Cubic on a grid four times as fine, linear from there: hardly less smooth, ten times faster.
    fine = (min(4 * nodes.shape[1], width), min(4 * nodes.shape[0], height))
    return cv2.resize(
        cv2.resize(nodes, fine, interpolation=cv2.INTER_CUBIC), (width, height), interpolation=cv2.INTER_LINEAR
    )


def displacement(shape: tuple[int, int], scale: float, rng: np.random.Generator) -> tuple[np.ndarray, dict]:
    """By how much more than elsewhere a boundary moves: a tilt in a random direction plus smooth noise.

    Where a boundary at distance d moves by t everywhere in a uniform growth {d <= t}, {d - displacement <= t} moves
    further on the side that the tilt points to, and in bumps. The gradient stays below 1 but for rare spots, so that
    what grows stays connected to what it grew from.

    Args:
        shape: (height, width) in pixels.
        scale: Radius of the shape in pixels; bumps are 0.5 to 1.5 of it wide, and at most half the shorter side.
        rng: Source of randomness.

    Returns:
        The (height, width) float32 displacement in pixels, up to a constant, and the parameters drawn: ``tilt``
        (pixels per pixel), ``direction`` (degrees, from x towards y), ``bump_size`` and ``bump_height`` (pixels).
    """
    tilt, direction = rng.uniform(0.0, 0.5), rng.uniform(0.0, 2.0 * math.pi)
    bump_size = max(min(scale * rng.uniform(0.5, 1.5), 0.5 * min(shape)), 4.0)
    bump_height = bump_size * rng.uniform(0.0, 0.2)
    field = smooth_noise(shape, bump_size, rng)
    field *= bump_height
    field += np.float32(tilt * math.cos(direction)) * np.arange(shape[1], dtype=np.float32)
    field += np.float32(tilt * math.sin(direction)) * np.arange(shape[0], dtype=np.float32)[:, None]
    return field, {
        "tilt": tilt,
        "direction": math.degrees(direction),
        "bump_size": bump_size,
        "bump_height": bump_height,
    }


def lowest(field: np.ndarray, count: int) -> np.ndarray:
    """The mask of the ``count`` pixels with the lowest values; among equal values the first in raster order.

    Args:
        field: (H, W) float without NaN.
        count: From 0 to H * W.

    Returns:
        (H, W) uint8 in {0, 1} with exactly ``count`` ones.
    """
    if count == 0:
        return np.zeros(field.shape, np.uint8)
    flat = field.ravel()
    threshold = np.partition(flat, count - 1)[count - 1]
    chosen = (flat < threshold).view(np.uint8)
    ties = np.flatnonzero(flat == threshold)
    chosen[ties[: count - cv2.countNonZero(chosen)]] = 1
    return chosen.reshape(field.shape)
