"""Fragmentation: dark strips cut the lesion into pieces."""

import math

import cv2
import numpy as np

from ultraref.datasets.mask_errors.base import BaseMaskError
from ultraref.datasets.mask_errors.checks import check_range
from ultraref.datasets.mask_errors.regions import area_of, draw_pixel, window_around
from ultraref.registry import MASK_ERRORS

STRIPS_TRIED = 12


@MASK_ERRORS.register_module()
class Fragmentation(BaseMaskError):
    """The lesion without one to five straight strips, 2 to 8 px wide, that run right through it.

    Each strip adds at least one connected piece (8-connected), and together they leave at least ``least_rest`` of the
    area. Where there is no room for as many as were drawn, there are fewer, at least one.
    Fallback 'unchanged': no strip could be found (a lesion a few pixels across).

    Args:
        count: Range of the number of strips.
        width: Range of a strip's width in pixels.
        least_rest: Least fraction of the lesion's area that is left.
    """

    def __init__(
        self, count: tuple[int, int] = (1, 5), width: tuple[float, float] = (2.0, 8.0), least_rest: float = 0.3
    ):
        self.count = check_range("Fragmentation.count", count, lowest=1, integer=True)
        # A strip narrower than sqrt(2) doesn't separate its two sides: pixels touch by their corners across it.
        self.width = check_range("Fragmentation.width", width, lowest=1.5)
        self.least_rest = check_range("Fragmentation.least_rest", (least_rest, least_rest), lowest=0.0, highest=1.0)[0]

    def apply(self, mask: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, dict]:
        window = window_around(mask, 0)
        rest = mask[window].copy()
        least_area = self.least_rest * area_of(mask)
        widths, angles = [], []
        pieces = cv2.connectedComponents(rest)[0]
        for _ in range(int(rng.integers(self.count[0], self.count[1] + 1))):
            widest = self.width[1]
            for _ in range(STRIPS_TRIED):
                width, angle = rng.uniform(self.width[0], widest), rng.uniform(0.0, math.pi)
                cut = _cut(rest, width, angle, rng)
                now = cv2.connectedComponents(cut)[0]
                if now > pieces and area_of(cut) >= least_area:
                    rest, pieces = cut, now
                    widths.append(width)
                    angles.append(math.degrees(angle))
                    break
                widest = max(self.width[0], 0.8 * widest)
        params = {"count": len(widths), "widths": widths, "angles": angles}
        if not widths:
            params["fallback"] = "unchanged"
        fragments = np.zeros_like(mask)
        fragments[window] = rest
        return fragments, params


def _cut(lesion: np.ndarray, width: float, angle: float, rng: np.random.Generator) -> np.ndarray:
    """The lesion without a strip of that width (pixels), normal to ``angle`` (radians), over one of its pixels."""
    row, column = draw_pixel(lesion, rng)
    across_x = np.float32(math.cos(angle)) * (np.arange(lesion.shape[1], dtype=np.float32) - column)
    across_y = np.float32(math.sin(angle)) * (np.arange(lesion.shape[0], dtype=np.float32) - row)
    outside_strip = np.abs(across_x[None, :] + across_y[:, None]) > 0.5 * width
    return lesion & outside_strip.view(np.uint8)
