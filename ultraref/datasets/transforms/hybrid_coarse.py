"""Mixes simulated errors with coarse probabilities from elsewhere."""

import numpy as np

from ultraref.datasets.transforms.base import LesionTransform
from ultraref.datasets.transforms.frame_sizes import frame_size
from ultraref.errors import UserError
from ultraref.registry import TRANSFORMS


@TRANSFORMS.register_module()
class HybridCoarse(LesionTransform):
    """Decides for every sample anew, from results["rng"], where its coarse probability comes from.

    A normal (results["normal"]) is never simulated: a real network's mask of it, empty or not, is what there is to learn from.

    With `stored` the sample's coarse_prob is made by one of two transforms (phase 2). Without it the other choice is
    the network that a model with the coarse source `FromMixture` runs (phase 3): results["coarse_from_sample"] then
    says whether this sample's coarse_prob, a simulated one, takes the place of the network's. Where it doesn't, nothing
    is simulated, coarse_prob is 0, so that the samples of a batch have one form, and coarse_origin is "network".

    Args:
        ratio: probability, in [0, 1], of not simulating: of `stored`, or of the network. The reference mixes stored
            predictions and simulated errors half and half.
        simulated: config of the transform that makes a coarse_prob from the ground truth.
        stored: config of the transform that loads one; None leaves it to the model's network.

    Raises:
        ValueError: the ratio is out of range; later, without `stored`, the data set has no size for the coarse network.
    """

    needs_data_set = True

    def __init__(self, ratio: float = 0.5, *, simulated: dict, stored: dict | None = None):
        if not 0 <= ratio <= 1:
            raise UserError(
                f"HybridCoarse: ratio is the share of samples that are not simulated, in [0, 1], but is {ratio}"
            )
        self.ratio = ratio
        self.stored = TRANSFORMS.build(stored) if isinstance(stored, dict) else stored
        self.simulated = TRANSFORMS.build(simulated) if isinstance(simulated, dict) else simulated

    def transform(self, results: dict) -> dict:
        # An image without a lesion has nothing to get wrong; drawn all the same, so that others' draws don't depend on it.
        simulate = results["rng"].random() >= self.ratio and not results.get("normal", False)
        if self.stored is not None:
            return self.simulated(results) if simulate else self.stored(results)
        results["coarse_from_sample"] = bool(simulate)
        if simulate:
            return self.simulated(results)
        size = frame_size(results, "coarse", "HybridCoarse")
        results["coarse_prob"] = np.zeros((size, size), np.float32)
        results["coarse_origin"] = "network"
        return results
