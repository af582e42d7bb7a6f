"""Another grey map of the display."""

import cv2
import numpy as np

from ultraref.datasets.transforms.ultrasound.base import BLACK, GreyTransform, log_uniform
from ultraref.registry import TRANSFORMS


@TRANSFORMS.register_module()
class RandomGammaContrast(GreyTransform):
    """Bends and stretches the grey scale, as another post-processing map of the scanner does.

    With v = grey / 255 and m the mean of v^gamma over the image: v' = v^gamma + (contrast - 1) (v^gamma - m) b, kept in
    [0, 1]; b = min(grey / 16, 1) keeps black black.

    Args:
        gamma: range of the exponent, drawn log-uniformly; above 1 darkens.
        contrast: range of the factor about the mean, drawn log-uniformly.
        prob: share of the samples that are changed.

    Raises:
        ValueError: a range or `prob` is out of bounds.
    """

    def __init__(
        self, gamma: tuple[float, float] = (0.7, 1.4), contrast: tuple[float, float] = (0.8, 1.25), prob: float = 0.5
    ):
        super().__init__(prob)
        self.gamma = self._range("gamma", gamma, 0.1, 10)
        self.contrast = self._range("contrast", contrast, 0.1, 10)

    def change(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        grey = np.arange(256)
        bent = (grey / 255) ** log_uniform(rng, *self.gamma)
        mean = bent @ np.bincount(image.ravel(), minlength=256) / image.size
        bent += (log_uniform(rng, *self.contrast) - 1) * (bent - mean) * np.minimum(grey / BLACK, 1)
        return cv2.LUT(image, np.rint(255 * np.clip(bent, 0, 1)).astype(np.uint8))
