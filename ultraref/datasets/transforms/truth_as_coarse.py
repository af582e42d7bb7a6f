"""The ground truth in place of a coarse mask: the upper bound of what a refiner can make of its prompts."""

import numpy as np

from ultraref.datasets.transforms.base import LesionTransform
from ultraref.datasets.transforms.frame_sizes import frame_size
from ultraref.datasets.transforms.resize_to_models import resize
from ultraref.registry import TRANSFORMS

# What `coarse_origin` says of it. Such a mask is nobody's prediction, and isn't measured as one.
TRUTH = "truth"


@TRANSFORMS.register_module()
class TruthAsCoarse(LesionTransform):
    """Hands the lesion mask itself to the refiner, whose boxes are those of the true lesions then.

    Adds coarse_prob, (h, h) float32 in [0, 1], where h is results["sizes"]["coarse"], and coarse_origin, "truth". For tests: a model
    that is trained with it learns to repeat its input.

    Raises:
        UserError: the data set has no size for the coarse network.
    """

    needs_data_set = True

    def transform(self, results: dict) -> dict:
        size = frame_size(results, "coarse", "TruthAsCoarse")
        results["coarse_prob"] = np.clip(resize(results["gt_seg_map"].astype(np.float32), size, size), 0, 1)
        results["coarse_origin"] = TRUTH
        return results
