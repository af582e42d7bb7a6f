"""A shadow below something that lets no sound through."""

import cv2
import numpy as np

from ultraref.datasets.transforms.ultrasound.base import GreyTransform, add_decibels
from ultraref.registry import TRANSFORMS


@TRANSFORMS.register_module()
class RandomAcousticShadow(GreyTransform):
    """Darkens a stripe or wedge that begins at a place and reaches to the lowest row.

    The place (x0, y0) is uniform in the image's width and in the range `top`. With d = y - y0, the level at (x, y)
    falls by db r(d) exp(-u^2) dB, where u = (x - x0 - tilt d) / (width W / 2 + spread d) is 0 on the axis and 1 at the
    edge, and r rises from 0 to 1 over 15 % of the height. One dB is 255 / dynamic_range grey values.

    Args:
        db: range of the attenuation on the axis, in dB.
        width: range of the width at the top, as a share of the image's width W.
        spread: range of what each side gains in width per row, in px / px.
        tilt: the axis leans by a slope uniform in [-tilt, tilt], in px / px.
        top: range of y0, as a share of the height.
        dynamic_range: dB between black and white.
        prob: share of the samples that are changed.

    Raises:
        ValueError: an argument is out of bounds.
    """

    def __init__(
        self,
        db: tuple[float, float] = (6.0, 20.0),
        width: tuple[float, float] = (0.06, 0.3),
        spread: tuple[float, float] = (0.0, 0.1),
        tilt: float = 0.1,
        top: tuple[float, float] = (0.05, 0.6),
        dynamic_range: float = 60.0,
        prob: float = 0.5,
    ):
        super().__init__(prob)
        self.db = self._range("db", db, 0, 100)
        self.width = self._range("width", width, 0.001, 1)
        self.spread = self._range("spread", spread, 0, 2)
        self.tilt = self._number("tilt", tilt, 0, 2)
        self.top = self._range("top", top, 0, 1)
        self.dynamic_range = self._number("dynamic_range", dynamic_range, 1, 200)

    def change(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        height, width = image.shape
        centre, top = rng.uniform(0, width - 1), rng.uniform(*self.top) * (height - 1)
        db, half = rng.uniform(*self.db), rng.uniform(*self.width) * width / 2
        spread, tilt = rng.uniform(*self.spread), rng.uniform(-self.tilt, self.tilt)
        first = int(np.ceil(top))
        depth = (np.arange(first, height) - top)[:, None].astype(np.float32)
        across = (np.arange(width, dtype=np.float32) - np.float32(centre) - np.float32(tilt) * depth) / (
            half + np.float32(spread) * depth
        )
        profile = cv2.exp(-np.minimum(across * across, 80))  # no denormal numbers, which are slow
        rise = np.minimum(depth / (0.15 * height), 1)
        shadowed = image.copy()
        shadowed[first:] = add_decibels(image[first:], -db * rise * profile, self.dynamic_range)
        return shadowed
