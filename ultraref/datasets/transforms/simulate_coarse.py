"""Makes a coarse probability from the ground truth."""

import numpy as np

from ultraref.datasets.transforms.resize_to_models import resize
from ultraref.registry import MASK_ERRORS, TRANSFORMS


@TRANSFORMS.register_module()
class SimulateCoarse:
    """Puts a simulated segmentation error of the lesion mask in place of a coarse network's output.

    The error is made in the image's native frame and then resized to the coarse network's, as its own output would be.
    Adds coarse_prob, (coarse_size, coarse_size) float32 in [0, 1], and mask_error, the augmentor's record.

    Args:
        augmentor: config of a mask-error augmentor: (mask, rng) -> (probability, record).
        coarse_size: height and width of the coarse network's frame in pixels.
    """

    def __init__(self, augmentor: dict, coarse_size: int):
        self.augmentor = MASK_ERRORS.build(augmentor) if isinstance(augmentor, dict) else augmentor
        self.coarse_size = coarse_size

    def __call__(self, results: dict) -> dict:
        prob, results["mask_error"] = self.augmentor(results["mask"], results["rng"])
        # Interpolation in float32 may leave [0, 1] by a rounding error.
        results["coarse_prob"] = np.clip(resize(prob, self.coarse_size, self.coarse_size), 0, 1)
        results["coarse_origin"] = "simulated"
        return results
