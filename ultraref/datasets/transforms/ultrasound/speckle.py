"""Speckle of another size and strength."""

import cv2
import numpy as np

from ultraref.datasets.transforms.ultrasound.base import GreyTransform
from ultraref.registry import TRANSFORMS


@TRANSFORMS.register_module()
class RandomSpeckle(GreyTransform):
    """Multiplies the image by correlated noise: grey' = grey (1 + strength n).

    n is Gaussian noise of mean 0 and standard deviation 1 (but for the frame's border), whose autocorrelation
    exp(-(r / length)^2) has fallen to 1/e at the distance `length`; across the beam (x) it reaches `aspect` times as
    far.

    Args:
        strength: range of the noise's standard deviation relative to the grey value.
        length: range of the correlation length along the beam (y), in pixels of the native frame.
        aspect: range of the correlation length across the beam over that along it; scanners resolve depth better.
        prob: share of the samples that are changed.

    Raises:
        ValueError: an argument is out of bounds.
    """

    def __init__(
        self,
        strength: tuple[float, float] = (0.04, 0.16),
        length: tuple[float, float] = (1.0, 3.0),
        aspect: tuple[float, float] = (1.0, 2.0),
        prob: float = 0.5,
    ):
        super().__init__(prob)
        self.strength = self._range("strength", strength, 0, 2)
        self.length = self._range("length", length, 0.5, 50)
        self.aspect = self._range("aspect", aspect, 0.2, 5)

    def change(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        strength, length, aspect = rng.uniform(*self.strength), rng.uniform(*self.length), rng.uniform(*self.aspect)
        kernel_y, kernel_x = _kernel(length), _kernel(length * aspect)
        noise = cv2.sepFilter2D(rng.standard_normal(image.shape, dtype=np.float32), -1, kernel_x, kernel_y)
        return cv2.add(image, np.float32(strength) * noise * image, dtype=cv2.CV_8U)


def _kernel(length: float) -> np.ndarray:
    """Returns a (K, 1) float32 filter that gives white noise the autocorrelation exp(-(r / length)^2), and keeps its
    power.

    White noise that a Gaussian of standard deviation s has blurred has the autocorrelation exp(-r^2 / (4 s^2)).
    """
    sigma = length / 2
    # Three standard deviations to each side.
    kernel = cv2.getGaussianKernel(2 * int(np.ceil(3 * sigma)) + 1, sigma, cv2.CV_32F)
    return kernel / np.sqrt(np.square(kernel).sum())
