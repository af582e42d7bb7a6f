"""Shift: the right shape in the wrong place."""

import math

import cv2
import numpy as np

from ultraref.datasets.mask_errors.base import BaseMaskError
from ultraref.datasets.mask_errors.checks import check_probability, check_range
from ultraref.datasets.mask_errors.regions import area_of, bounding_box
from ultraref.registry import MASK_ERRORS

# A shift out of the frame is drawn anew unless this share of the lesion stays visible.
VISIBLE_SHARE = 0.5
DRAWS = 50


@MASK_ERRORS.register_module()
class Shift(BaseMaskError):
    """The lesion moved by 5 to 30 % of its box, by whole pixels, and half of the time rotated about its centroid.

    With dx and dy as fractions of the box's width and height, the larger of the two is at least 0.05 and
    hypot(dx, dy) at most 0.3. What leaves the frame is lost; at least half of the lesion's area stays in.
    Fallback 'unchanged': no such move by whole pixels was found (a box of three pixels).

    Args:
        fraction: Range of the move as a fraction of the box.
        rotation: Range of the rotation in degrees, to either side.
        rotation_prob: Probability that the lesion is rotated.
    """

    def __init__(
        self,
        fraction: tuple[float, float] = (0.05, 0.3),
        rotation: tuple[float, float] = (5.0, 20.0),
        rotation_prob: float = 0.5,
    ):
        self.fraction = check_range("Shift.fraction", fraction, lowest=0.0)
        self.rotation = check_range("Shift.rotation", rotation, lowest=0.0, highest=180.0)
        self.rotation_prob = check_probability("Shift.rotation_prob", rotation_prob)

    def apply(self, mask: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, dict]:
        angle = 0.0
        if rng.random() < self.rotation_prob:
            angle = rng.uniform(*self.rotation) * (1 if rng.random() < 0.5 else -1)
        top, left, bottom, right = bounding_box(mask)
        visible = VISIBLE_SHARE * area_of(mask)
        for _ in range(DRAWS):
            dx, dy = self._draw_move(right - left, bottom - top, rng)
            if self._in_range(dx / (right - left), dy / (bottom - top)):
                moved = _move(mask, dx, dy, angle)
                if area_of(moved) >= visible:
                    return moved, {"dx": dx, "dy": dy, "rotation": angle}
        return mask.copy(), {"dx": 0, "dy": 0, "rotation": 0.0, "fallback": "unchanged"}

    def _draw_move(self, width: int, height: int, rng: np.random.Generator) -> tuple[int, int]:
        direction = rng.uniform(0.0, 2.0 * math.pi)
        cos, sin = math.cos(direction), math.sin(direction)
        low, high = self.fraction
        length = rng.uniform(min(low / max(abs(cos), abs(sin)), high), high)
        return round(length * cos * width), round(length * sin * height)

    def _in_range(self, dx: float, dy: float) -> bool:
        return max(abs(dx), abs(dy)) >= self.fraction[0] - 1e-9 and math.hypot(dx, dy) <= self.fraction[1] + 1e-9


def _move(mask: np.ndarray, dx: int, dy: int, angle: float) -> np.ndarray:
    """Rotate by ``angle`` degrees about the lesion's centroid, then move by (dx, dy) pixels; zeros come in."""
    moments = cv2.moments(mask, binaryImage=True)
    centroid = (moments["m10"] / moments["m00"], moments["m01"] / moments["m00"])
    matrix = cv2.getRotationMatrix2D(centroid, angle, 1.0)
    matrix[:, 2] += (dx, dy)
    return cv2.warpAffine(mask, matrix, mask.shape[::-1], flags=cv2.INTER_NEAREST)
