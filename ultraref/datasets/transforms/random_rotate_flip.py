"""Rotates and flips image, mask and coarse probability alike."""

import numpy as np

from ultraref.datasets.transforms.affine import warp_sample
from ultraref.datasets.transforms.base import LesionTransform
from ultraref.errors import UserError
from ultraref.registry import TRANSFORMS


@TRANSFORMS.register_module()
class RandomRotateFlip(LesionTransform):
    """Turns the sample about the image's centre and mirrors it left to right.

    The map is one affine map of the native frame; `warp_sample` says how each of the three follows it.

    Args:
        degrees: the angle is uniform in [-degrees, degrees].
        rotate_prob: share of the samples that are turned, in [0, 1].
        flip_prob: share of the samples that are mirrored, in [0, 1].
    """

    moves_pixels = True

    def __init__(self, degrees: float = 20.0, rotate_prob: float = 1.0, flip_prob: float = 0.5):
        for name, value in (("rotate_prob", rotate_prob), ("flip_prob", flip_prob)):
            if not 0 <= value <= 1:
                raise UserError(f"RandomRotateFlip: {name} is a probability, but is {value}")
        self.degrees = degrees
        self.rotate_prob = rotate_prob
        self.flip_prob = flip_prob

    def transform(self, results: dict) -> dict:
        # Always three draws, so that options don't shift the numbers that later transforms get.
        rotate, flip, angle = results["rng"].random(3)
        angle = (2 * angle - 1) * self.degrees if rotate < self.rotate_prob else 0.0
        flip = bool(flip < self.flip_prob)
        if angle == 0 and not flip:
            return results
        height, width = results["img"].shape
        warp_sample(results, rotate_flip_matrix(angle, flip, height, width))
        return results


def rotate_flip_matrix(angle: float, flip: bool, height: int, width: int) -> np.ndarray:
    """Returns the (3, 3) map (x, y, 1) -> (x', y', 1) that turns by `angle` degrees about the centre of the frame.

    Positive angles turn from the x axis to the y axis, which on the screen (y down) is clockwise. The mirror comes
    first.
    """
    centre_x, centre_y = (width - 1) / 2, (height - 1) / 2
    cos, sin = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    sign = -1.0 if flip else 1.0
    turn = np.array([[sign * cos, -sin, 0], [sign * sin, cos, 0], [0, 0, 1]])
    to_centre = np.array([[1, 0, -centre_x], [0, 1, -centre_y], [0, 0, 1.0]])
    back = np.array([[1, 0, centre_x], [0, 1, centre_y], [0, 0, 1.0]])
    return back @ turn @ to_centre
