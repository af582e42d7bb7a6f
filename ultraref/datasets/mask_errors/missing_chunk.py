"""Missing chunk: a piece of the lesion is cut out."""

import math

import cv2
import numpy as np

from ultraref.datasets.mask_errors.base import BaseMaskError
from ultraref.datasets.mask_errors.checks import check_probability, check_range
from ultraref.datasets.mask_errors.fields import distance_inside, lowest, smooth_noise
from ultraref.datasets.mask_errors.regions import area_of, draw_count, draw_pixel, window_around
from ultraref.registry import MASK_ERRORS


@MASK_ERRORS.register_module()
class MissingChunk(BaseMaskError):
    """The lesion without 5 to 30 % of its area: a wedge from its inside to its boundary, or a blob at its boundary.

    Fallback 'unchanged': no whole number of pixels lies in the range (a lesion of three pixels).

    Args:
        fraction: Range of the removed area as a fraction of the lesion's, drawn uniformly.
        wedge_prob: Probability of a wedge; a blob otherwise.
    """

    def __init__(self, fraction: tuple[float, float] = (0.05, 0.3), wedge_prob: float = 0.5):
        self.fraction = check_range("MissingChunk.fraction", fraction, lowest=0.0, highest=1.0)
        self.wedge_prob = check_probability("MissingChunk.wedge_prob", wedge_prob)

    def apply(self, mask: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, dict]:
        area = area_of(mask)
        removed = draw_count(area, self.fraction, rng)
        if removed is None:
            return mask.copy(), {"fraction": 0.0, "fallback": "unchanged"}
        window = window_around(mask, 1)
        lesion = mask[window]
        wedge = rng.random() < self.wedge_prob
        field = _angle_off_a_ray(lesion, rng) if wedge else _distance_from_a_boundary_point(lesion, area, rng)
        field[lesion == 0] = np.inf
        rest = mask.copy()
        rest[window] -= lowest(field, removed)
        return rest, {"shape": "wedge" if wedge else "blob", "fraction": removed / area}


def _angle_off_a_ray(lesion: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Angle in degrees between a random ray from deep inside the lesion and the ray to each pixel: (H, W) float32."""
    depth = distance_inside(lesion)
    row, column = draw_pixel((depth >= 0.7 * depth.max()).view(np.uint8), rng)
    x = np.arange(lesion.shape[1], dtype=np.float32) - column
    y = np.arange(lesion.shape[0], dtype=np.float32) - row
    x, y = (np.ascontiguousarray(part) for part in np.broadcast_arrays(x[None, :], y[:, None]))
    angle = cv2.phase(x, y, angleInDegrees=True)
    angle -= np.float32(rng.uniform(0.0, 360.0))
    return 180.0 - np.abs(np.abs(angle) - 180.0)


def _distance_from_a_boundary_point(lesion: np.ndarray, area: int, rng: np.random.Generator) -> np.ndarray:
    """Distance in pixels to a random boundary pixel, distorted by smooth noise: (H, W) float32."""
    boundary = lesion - cv2.erode(lesion, np.ones((3, 3), np.uint8), borderType=cv2.BORDER_REPLICATE)
    row, column = draw_pixel(boundary, rng)
    x = np.arange(lesion.shape[1], dtype=np.float32) - column
    y = np.arange(lesion.shape[0], dtype=np.float32) - row
    field = np.hypot(x[None, :], y[:, None])
    scale = math.sqrt(area / math.pi)
    field += smooth_noise(lesion.shape, max(0.5 * scale, 4.0), rng) * np.float32(0.15 * scale)
    return field
