"""The points that a prompt predictor is taught."""

import cv2
import numpy as np

from ultraref.datasets.transforms.base import LesionTransform
from ultraref.datasets.transforms.lesion_points import background_points, foreground_points
from ultraref.errors import UserError
from ultraref.registry import TRANSFORMS

# Layout -> (points in the lesion, points in the background).
LAYOUTS = {"5+2": (5, 2), "7+0": (7, 0), "3+4": (3, 4)}


@TRANSFORMS.register_module()
class GroundTruthPoints(LesionTransform):
    """Places points in and around the lesion of results["gt"], in pixel-index units of that frame.

    It stands after augmentation and resizing. Adds gt_points, (N, 2) float32 (x, y); gt_point_labels, (N,) float32, 1
    in the lesion and 0 in the background, lesion points first; and gt_points_valid, whether they count: a mask under
    `min_pixels`, or one without background, has none, and its points are zeros.

    Each place of the list always means the same point of a lesion (`lesion_points` says which), so that a network can
    learn it by regression. No random numbers are drawn.

    Args:
        layout: "5+2" (five in the lesion, two in the background), or the reference code's other ones, "7+0" and "3+4".
        min_pixels: smallest mask whose points count.

    Raises:
        ValueError: the layout is not known.
    """

    needs_data_set = True

    def __init__(self, layout: str = "5+2", min_pixels: int = 10):
        if layout not in LAYOUTS:
            raise UserError(f"GroundTruthPoints: layout is {layout!r}; it must be one of {', '.join(LAYOUTS)}")
        self.num_lesion, self.num_background = LAYOUTS[layout]
        self.min_pixels = min_pixels

    def transform(self, results: dict) -> dict:
        mask = results["gt"]
        # Padding is no place for a background point.
        height, width = results.get("content_size", mask.shape)
        mask = np.ascontiguousarray(mask[:height, :width])
        points = np.zeros((self.num_lesion + self.num_background, 2), np.float32)
        area = cv2.countNonZero(mask)
        valid = self.min_pixels <= area < mask.size
        if valid:
            points[: self.num_lesion] = foreground_points(mask, self.num_lesion)
            points[self.num_lesion :] = background_points(mask, self.num_background)
        results["gt_points"] = points
        results["gt_point_labels"] = np.repeat(np.float32([1, 0]), [self.num_lesion, self.num_background])
        results["gt_points_valid"] = np.bool_(valid)
        return results
