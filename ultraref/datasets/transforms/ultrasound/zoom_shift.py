"""Another depth setting and position of the probe."""

import numpy as np

from ultraref.datasets.transforms.affine import warp_sample
from ultraref.datasets.transforms.ultrasound.base import UltrasoundTransform, log_uniform
from ultraref.registry import TRANSFORMS


@TRANSFORMS.register_module()
class RandomZoomShift(UltrasoundTransform):
    """Scales image, mask and coarse probability alike about the image's centre c and shifts them.

    x' = c_x + zoom (x - c_x) + shift_x W, and so for y with the height H; what comes in from outside is black,
    background and probability 0 (`warp_sample`). A lesion at the border may leave the image.

    Args:
        zoom: range of the scale, drawn log-uniformly; above 1 enlarges.
        shift: range of the shift as a share of width and height, drawn for each of them.
        prob: share of the samples that are changed.

    Raises:
        ValueError: an argument is out of bounds.
    """

    moves_pixels = True

    def __init__(
        self, zoom: tuple[float, float] = (0.85, 1.25), shift: tuple[float, float] = (-0.08, 0.08), prob: float = 0.5
    ):
        super().__init__(prob)
        self.zoom = self._range("zoom", zoom, 0.2, 5)
        self.shift = self._range("shift", shift, -0.9, 0.9)

    def apply(self, results: dict, rng: np.random.Generator) -> None:
        height, width = results["img"].shape
        zoom, (shift_x, shift_y) = log_uniform(rng, *self.zoom), rng.uniform(*self.shift, 2)
        move_x = (1 - zoom) * (width - 1) / 2 + shift_x * width
        move_y = (1 - zoom) * (height - 1) / 2 + shift_y * height
        warp_sample(results, np.array([[zoom, 0, move_x], [0, zoom, move_y], [0, 0, 1]]))
