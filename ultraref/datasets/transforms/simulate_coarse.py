"""Makes a coarse probability from the ground truth."""

import math

import numpy as np

from ultraref.datasets.transforms.base import LesionTransform
from ultraref.datasets.transforms.frame_sizes import frame_size
from ultraref.datasets.transforms.resize_to_models import resize
from ultraref.registry import MASK_ERRORS, TRANSFORMS


@TRANSFORMS.register_module()
class SimulateCoarse(LesionTransform):
    """Puts a simulated segmentation error of the lesion mask in place of a coarse network's output.

    The error is made in the image's native frame and then resized to the coarse network's, as its own output would be.
    Adds coarse_prob, (h, h) float32 in [0, 1], where h is results["sizes"]["coarse"]; coarse_origin, "simulated"; and
    mask_error, the augmentor's record. Of an image without a lesion coarse_prob is 0 and mask_error {"error_type": None}.

    Args:
        augmentor: config of a mask-error augmentor: (mask, rng, coarse_pixel) -> (probability, record).

    Raises:
        ValueError: the data set has no size for the coarse network.
    """

    needs_data_set = True

    def __init__(self, augmentor: dict):
        self.augmentor = MASK_ERRORS.build(augmentor) if isinstance(augmentor, dict) else augmentor

    def transform(self, results: dict) -> dict:
        size = frame_size(results, "coarse", "SimulateCoarse")
        mask = results["gt_seg_map"]
        # The frame is squashed: a coarse pixel has two sides, whose geometric mean is its length.
        coarse_pixel = math.sqrt(mask.shape[0] * mask.shape[1]) / size
        if mask.any():
            prob, results["mask_error"] = self.augmentor(mask, results["rng"], coarse_pixel)
        else:
            prob, results["mask_error"] = np.zeros(mask.shape, np.float32), {"error_type": None}
        # Interpolation in float32 may leave [0, 1] by a rounding error.
        results["coarse_prob"] = np.clip(resize(prob, size, size), 0, 1)
        results["coarse_origin"] = "simulated"
        return results
