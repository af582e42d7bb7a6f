"""Tissue under another pressure of the probe."""

import cv2
import numpy as np

from ultraref.datasets.transforms.ultrasound.base import UltrasoundTransform, spline_basis, spline_surface
from ultraref.registry import TRANSFORMS


@TRANSFORMS.register_module()
class RandomElasticWarp(UltrasoundTransform):
    """Bends image, mask and coarse probability alike.

    The value at (x, y) is taken from (x, y) + d(x, y). d is a free-form deformation (Rueckert et al., IEEE Trans. Med.
    Imaging 18(8), 1999): cubic B-splines over nodes `spacing` apart, each of whose two components is uniform in [-a,
    a]. It is one-to-one, without folds, as long as a is below 0.48 of the spacing (Choi & Lee, Graphical Models 62,
    2000). Lengths are shares of the image's shorter side. The coarse probability, whose frame is a resized native
    frame, follows the same map. At the border the outermost pixels go on. Image and probability are interpolated
    linearly; the mask too, and is cut at one half.

    Args:
        magnitude: range of a, as a share of the shorter side.
        spacing: distance of the nodes, as a share of the shorter side.
        prob: share of the samples that are changed.

    Raises:
        ValueError: an argument is out of bounds, or `magnitude` reaches 0.48 of `spacing`.
    """

    moves_pixels = True

    def __init__(self, magnitude: tuple[float, float] = (0.02, 0.07), spacing: float = 0.2, prob: float = 0.5):
        super().__init__(prob)
        self.spacing = self._number("spacing", spacing, 0.02, 2)
        self.magnitude = self._range("magnitude", magnitude, 0, 0.47 * self.spacing)

    def apply(self, results: dict, rng: np.random.Generator) -> None:
        shape = results["img"].shape
        unit = min(shape)
        bounds = rng.uniform(*self.magnitude) * unit
        nodes = rng.uniform(-bounds, bounds, (2, *(_basis(n, n, self.spacing * unit).shape[1] for n in shape)))
        native = _displaced(shape, shape, nodes, self.spacing * unit)
        results["img"] = _remap(results["img"], native)
        if "gt_seg_map" in results:
            # Interpolated as 0 and 255, for 8 bits of precision.
            soft = _remap(results["gt_seg_map"] * np.uint8(255), native)
            results["gt_seg_map"] = cv2.threshold(soft, 127, 1, cv2.THRESH_BINARY)[1]
        if "coarse_prob" in results:
            coarse = results["coarse_prob"]
            results["coarse_prob"] = _remap(coarse, _displaced(shape, coarse.shape, nodes, self.spacing * unit))


def _basis(size: int, length: int, spacing: float) -> np.ndarray:
    """Returns the B-spline weights of the `size` pixels of a frame's side that shows `length` native pixels."""
    return spline_basis((np.arange(size) + 0.5) * length / size - 0.5, spacing, length)


def _displaced(native: tuple[int, int], frame: tuple[int, int], nodes: np.ndarray, spacing: float):
    """Returns where in a frame each of its pixels is taken from: x and y, each (h, w) float32.

    Args:
        native: (height, width) of the native frame, which the nodes are given in.
        frame: (height, width) of the frame.
        nodes: (2, rows, columns), displacement in x and y in native pixels.
        spacing: of the nodes in native pixels.
    """
    rows, columns = (_basis(size, length, spacing) for size, length in zip(frame, native))
    # In pixels of the frame.
    shift_x, shift_y = (nodes * np.reshape([frame[1] / native[1], frame[0] / native[0]], (2, 1, 1))).astype(np.float32)
    x = spline_surface(rows, shift_x, columns) + np.arange(frame[1], dtype=np.float32)
    y = spline_surface(rows, shift_y, columns) + np.arange(frame[0], dtype=np.float32)[:, None]
    return x, y


def _remap(array: np.ndarray, source: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    return cv2.remap(array, *source, interpolation=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
