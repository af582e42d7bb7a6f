"""Bridge: a thin false band leaves the lesion, perhaps towards a false structure."""

import math

import cv2
import numpy as np

from ultraref.datasets.mask_errors.base import BaseMaskError
from ultraref.datasets.mask_errors.blobs import draw_blob
from ultraref.datasets.mask_errors.checks import check_probability, check_range
from ultraref.datasets.mask_errors.regions import area_of
from ultraref.registry import MASK_ERRORS

STARTS_TRIED = 64
# Boundary pixels to either side from which the boundary's direction is taken.
TANGENT_SPAN = 4
# Greatest angle between the band and the boundary's normal, in degrees.
GREATEST_TURN = 40.0


@MASK_ERRORS.register_module()
class Bridge(BaseMaskError):
    """The whole lesion plus a straight band, 2 to 6 px wide and 10 to 60 px long, that starts at its boundary.

    The length is that of the band's axis outside the lesion; the axis stays in the background and in the frame. Half
    of the bands end in a blob. Fallback 'unchanged': no boundary pixel has room for the least length.

    Args:
        width: Range of the band's width in pixels.
        length: Range of the band's length in pixels.
        blob_prob: Probability of a blob at the end.
        blob_fraction: Range of the blob's area as a fraction of the lesion's.
    """

    def __init__(
        self,
        width: tuple[float, float] = (2.0, 6.0),
        length: tuple[float, float] = (10.0, 60.0),
        blob_prob: float = 0.5,
        blob_fraction: tuple[float, float] = (0.01, 0.1),
    ):
        self.width = check_range("Bridge.width", width, lowest=1.0)
        self.length = check_range("Bridge.length", length, lowest=1.0)
        self.blob_prob = check_probability("Bridge.blob_prob", blob_prob)
        self.blob_fraction = check_range("Bridge.blob_fraction", blob_fraction, lowest=0.0, highest=1.0)

    def apply(self, mask: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, dict]:
        width, wanted = rng.uniform(*self.width), rng.uniform(*self.length)
        starts, directions = _draw_rays(mask, rng)
        free = _free_lengths(mask, starts, directions, self.length[1])
        # The first ray with room for the length drawn, else the one with the most room.
        enough = np.flatnonzero(free >= wanted)
        chosen = int(enough[0]) if enough.size else int(np.argmax(free))
        length = min(wanted, float(free[chosen]))
        bridged = mask.copy()
        if length < self.length[0]:
            return bridged, {"width": 0.0, "length": 0.0, "blob_fraction": 0.0, "fallback": "unchanged"}
        (x, y), (dx, dy) = starts[chosen], directions[chosen]
        _add_band(bridged, (x, y), (dx, dy), width, length)
        params = {"width": width, "length": length, "blob_fraction": 0.0}
        if rng.random() < self.blob_prob:
            area = area_of(mask)
            blob = draw_blob(max(round(rng.uniform(*self.blob_fraction) * area), 1), rng)
            params["blob_fraction"] = area_of(blob) / area
            _add_blob(bridged, blob, (x + length * dx, y + length * dy))
        return bridged, params


def _draw_rays(mask: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Boundary pixels (N, 2) and unit vectors (N, 2) that lead outwards from them, both (x, y) float64."""
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    points = [contour[:, 0].astype(np.float64) for contour in contours]
    tangents = [np.roll(point, -TANGENT_SPAN, axis=0) - np.roll(point, TANGENT_SPAN, axis=0) for point in points]
    points, tangents = np.concatenate(points), np.concatenate(tangents)
    chosen = rng.integers(len(points), size=STARTS_TRIED)
    # Outer contours run counter-clockwise on the screen (y down), so the outside lies to the right of the tangent.
    across = np.arctan2(tangents[chosen, 0], -tangents[chosen, 1])
    angles = across + np.radians(rng.uniform(-GREATEST_TURN, GREATEST_TURN, STARTS_TRIED))
    return points[chosen], np.stack([np.cos(angles), np.sin(angles)], axis=1)


def _free_lengths(mask: np.ndarray, starts: np.ndarray, directions: np.ndarray, longest: float) -> np.ndarray:
    """How far (pixels, at most ``longest``) each ray leads, in steps of 1 px, off the lesion and in the frame."""
    steps = np.arange(1, math.floor(longest) + 1)
    path = np.rint(starts[:, None] + steps[None, :, None] * directions[:, None]).astype(int)
    height, width = mask.shape
    x, y = path[..., 0], path[..., 1]
    inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    blocked = ~inside | (mask[np.clip(y, 0, height - 1), np.clip(x, 0, width - 1)] > 0)
    free = np.where(blocked.any(axis=1), blocked.argmax(axis=1), len(steps))
    return np.where(free == len(steps), longest, free)


def _add_band(
    mask: np.ndarray, start: tuple[float, float], direction: tuple[float, float], width: float, length: float
) -> None:
    """Set the pixels whose centres lie in the rectangle along the ray; it reaches back into the lesion by its width."""
    (x0, y0), (dx, dy) = start, direction
    x1, y1 = x0 + length * dx, y0 + length * dy
    reach = math.ceil(width) + 1
    left, top = max(math.floor(min(x0, x1)) - reach, 0), max(math.floor(min(y0, y1)) - reach, 0)
    right, bottom = math.ceil(max(x0, x1)) + reach + 1, math.ceil(max(y0, y1)) + reach + 1
    patch = mask[top:bottom, left:right]
    x = np.arange(left, left + patch.shape[1]) - x0
    y = (np.arange(top, top + patch.shape[0]) - y0)[:, None]
    along, across = x * dx + y * dy, y * dx - x * dy
    patch |= (np.abs(across) <= 0.5 * width) & (along >= 0.0) & (along <= length)


def _add_blob(mask: np.ndarray, blob: np.ndarray, centre: tuple[float, float]) -> None:
    """Set the blob's pixels, centred at (x, y), as far as they lie in the frame."""
    rows, columns = np.nonzero(blob)
    rows += round(centre[1] - 0.5 * blob.shape[0])
    columns += round(centre[0] - 0.5 * blob.shape[1])
    height, width = mask.shape
    inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
    mask[rows[inside], columns[inside]] = 1
