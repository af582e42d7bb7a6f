"""Clutter that lies over the image."""

import cv2
import numpy as np

from ultraref.datasets.transforms.ultrasound.base import GreyTransform, smooth_field
from ultraref.registry import TRANSFORMS


@TRANSFORMS.register_module()
class RandomHaze(GreyTransform):
    """Lays a smooth bright veil over the image, as reverberation and side lobes do; it shows most where it is dark.

    grey' = grey + h (1 - grey / 255), with h = level f(x, y): f is a random field in [0, 1] that varies over `scale`
    and fades with depth by the factor 1 - fade y / (H - 1).

    Args:
        level: range of the veil's highest grey value.
        scale: range of the distance over which the veil varies, as a share of the image's longer side.
        fade: range of the share of the veil that is gone at the lowest row: clutter is strongest near the probe.
        prob: share of the samples that are changed.

    Raises:
        ValueError: an argument is out of bounds.
    """

    def __init__(
        self,
        level: tuple[float, float] = (30.0, 110.0),
        scale: tuple[float, float] = (0.15, 0.5),
        fade: tuple[float, float] = (0.2, 1.0),
        prob: float = 0.5,
    ):
        super().__init__(prob)
        self.level = self._range("level", level, 0, 255)
        self.scale = self._range("scale", scale, 0.02, 2)
        self.fade = self._range("fade", fade, 0, 1)

    def change(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        height, width = image.shape
        level, scale, fade = rng.uniform(*self.level), rng.uniform(*self.scale), rng.uniform(*self.fade)
        veil = smooth_field(rng, height, width, scale * max(height, width))
        veil *= np.float32(level) * (1 - np.float32(fade) * np.linspace(0, 1, height, dtype=np.float32))[:, None]
        dark = 1 - np.arange(256, dtype=np.float32) / 255
        return cv2.add(image, veil * cv2.LUT(image, dark), dtype=cv2.CV_8U)
