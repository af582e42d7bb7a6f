"""Another compensation of the attenuation with depth."""

import numpy as np

from ultraref.datasets.transforms.ultrasound.base import GreyTransform, add_decibels
from ultraref.errors import UserError
from ultraref.registry import TRANSFORMS


@TRANSFORMS.register_module()
class RandomTimeGain(GreyTransform):
    """Changes the level with depth, as uncompensated attenuation and other settings of the time-gain sliders do.

    At depth t = y / (H - 1) the level changes by depth_db t + s(t) dB, where s joins the sliders, equally spaced from
    top to bottom, by straight lines. On a display of `dynamic_range` dB one dB is 255 / dynamic_range grey values; what
    is black stays black (`add_decibels`).

    Args:
        depth_db: range of the change at the lowest row, in dB.
        slider_db: each slider is uniform in [-slider_db, slider_db].
        sliders: number of sliders, at least 2.
        dynamic_range: dB between black and white.
        prob: share of the samples that are changed.

    Raises:
        ValueError: an argument is out of bounds.
    """

    def __init__(
        self,
        depth_db: tuple[float, float] = (-10.0, 6.0),
        slider_db: float = 3.0,
        sliders: int = 6,
        dynamic_range: float = 60.0,
        prob: float = 0.5,
    ):
        super().__init__(prob)
        self.depth_db = self._range("depth_db", depth_db, -100, 100)
        self.slider_db = self._number("slider_db", slider_db, 0, 100)
        if not (isinstance(sliders, int) and sliders >= 2):
            raise UserError(f"RandomTimeGain: sliders is a number of sliders, at least 2, but is {sliders!r}")
        self.sliders = sliders
        self.dynamic_range = self._number("dynamic_range", dynamic_range, 1, 200)

    def change(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        depth_db = rng.uniform(*self.depth_db)
        slider_db = rng.uniform(-self.slider_db, self.slider_db, self.sliders)
        depth = np.linspace(0, 1, len(image))
        decibels = depth_db * depth + np.interp(depth, np.linspace(0, 1, self.sliders), slider_db)
        return add_decibels(image, decibels[:, None], self.dynamic_range)
