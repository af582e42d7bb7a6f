"""What the ultrasound augmentations have in common."""

import math
from abc import abstractmethod
from collections.abc import Sequence

import cv2
import numpy as np

from ultraref.datasets.transforms.base import LesionTransform
from ultraref.errors import UserError

# Grey value below which a change in dB fades out, so that what is black because it lies outside of the scan stays so.
BLACK = 16


class UltrasoundTransform(LesionTransform):
    """Contract: `apply` changes a share `prob` of the samples.

    results["rng"] is drawn from twice for every sample, changed or not: so that neither options nor the image's size
    shift the numbers that later transforms get, `apply` draws from a generator that the second number seeds.

    Args:
        prob: share of the samples that are changed, in [0, 1].

    Raises:
        ValueError: `prob` is out of range.
    """

    def __init__(self, prob: float = 0.5):
        if not 0 <= prob <= 1:
            raise UserError(f"{type(self).__name__}: prob is the share of changed samples, in [0, 1], but is {prob}")
        self.prob = prob

    def transform(self, results: dict) -> dict:
        chance, seed = results["rng"].random(), results["rng"].integers(2**63)
        if chance < self.prob:
            self.apply(results, np.random.default_rng(seed))
        return results

    @abstractmethod
    def apply(self, results: dict, rng: np.random.Generator) -> None:
        """Changes img, and what else the transform moves, in `results`."""

    def _range(self, name: str, value: Sequence[float], low: float, high: float) -> tuple[float, float]:
        """Returns an argument that is a range, (lowest, highest).

        Raises:
            ValueError: it is not two ascending numbers within [low, high].
        """
        try:
            lowest, highest = map(float, value)
        except (TypeError, ValueError):
            lowest, highest = math.nan, math.nan
        if not low <= lowest <= highest <= high:  # also for NaN
            raise UserError(
                f"{type(self).__name__}: {name} is a range, (lowest, highest) within [{low:g}, {high:g}], but is "
                f"{value!r}"
            )
        return lowest, highest

    def _number(self, name: str, value: float, low: float, high: float) -> float:
        """Returns an argument that is a number within [low, high].

        Raises:
            ValueError: it isn't.
        """
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
            raise UserError(f"{type(self).__name__}: {name} is a number within [{low:g}, {high:g}], but is {value!r}")
        return float(value)


class GreyTransform(UltrasoundTransform):
    """An `UltrasoundTransform` of grey values alone: `change` takes and returns (H, W) uint8."""

    changes_grey = True

    def apply(self, results: dict, rng: np.random.Generator) -> None:
        results["img"] = self.change(results["img"], rng)

    @abstractmethod
    def change(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Returns the changed image, (H, W) uint8; never writes to the one that is given."""


def log_uniform(rng: np.random.Generator, lowest: float, highest: float) -> float:
    """Draws a factor whose logarithm is uniform, so that doubling is as likely as halving."""
    return math.exp(rng.uniform(math.log(lowest), math.log(highest)))


def add_decibels(image: np.ndarray, decibels: np.ndarray, dynamic_range: float) -> np.ndarray:
    """Changes the echo level of a log-compressed image: grey + 255 / dynamic_range * dB, rounded and kept in [0, 255].

    Below grey value 16 the change fades out linearly, so that black stays black.

    Args:
        image: (H, W) uint8.
        decibels: the change, broadcast to (H, W).
        dynamic_range: dB between black and white on the display.
    """
    shown = np.minimum(np.arange(256, dtype=np.float32) / BLACK, 1) * np.float32(255 / dynamic_range)
    return cv2.add(image, cv2.LUT(image, shown) * decibels.astype(np.float32), dtype=cv2.CV_8U)


def smooth_field(rng: np.random.Generator, height: int, width: int, scale: float) -> np.ndarray:
    """Returns a random field in [0, 1], (height, width) float32, that varies over about `scale` pixels.

    Values drawn uniformly at nodes `scale` pixels apart, blended by cubic B-splines.
    """
    rows, columns = spline_basis(np.arange(height), scale, height), spline_basis(np.arange(width), scale, width)
    nodes = rng.random((rows.shape[1], columns.shape[1]), dtype=np.float32)
    return spline_surface(rows, nodes, columns)


def spline_surface(rows: np.ndarray, nodes: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Returns the sum of `nodes` (R, C) weighted by `rows` (H, R) and `columns` (W, C), (H, W) float32."""
    # With so few nodes ten times faster than BLAS (16 ms for 500 x 600), and bit-exact whatever its number of threads.
    return np.einsum("hc,wc->hw", np.einsum("hr,rc->hc", rows, nodes), columns)


def spline_basis(positions: np.ndarray, spacing: float, length: float) -> np.ndarray:
    """Returns the weights of uniform cubic B-splines, whose nodes lie `spacing` apart and cover [0, length].

    Args:
        positions: (P,) places in [-0.5, length - 0.5].
        spacing: distance of the nodes, in the same unit.
        length: what the nodes must cover.

    Returns:
        (P, N) float32; each row sums to 1 and has at most four entries that aren't 0.
    """
    place = (np.asarray(positions, np.float64) + 0.5) / spacing
    count = math.ceil(length / spacing) + 3
    distance = np.abs(place[:, None] - (np.arange(count) - 1))
    near, far = 2 / 3 - distance**2 + distance**3 / 2, np.maximum(2 - distance, 0) ** 3 / 6
    return np.where(distance < 1, near, far).astype(np.float32)
