"""Mixes stored predictions and simulated errors."""

from ultraref.registry import TRANSFORMS


@TRANSFORMS.register_module()
class HybridCoarse:
    """Takes the coarse probability from one of two transforms, drawn anew for every sample.

    Args:
        ratio: probability of `stored`, in [0, 1]. The reference mixes half and half.
        stored: config of the transform that loads a prediction.
        simulated: config of the transform that makes one from the ground truth.

    Raises:
        ValueError: the ratio is out of range.
    """

    def __init__(self, ratio: float = 0.5, *, stored: dict, simulated: dict):
        if not 0 <= ratio <= 1:
            raise ValueError(f"HybridCoarse: ratio is the share of stored predictions, in [0, 1], but is {ratio}")
        self.ratio = ratio
        self.stored = TRANSFORMS.build(stored) if isinstance(stored, dict) else stored
        self.simulated = TRANSFORMS.build(simulated) if isinstance(simulated, dict) else simulated

    def __call__(self, results: dict) -> dict:
        take_stored = results["rng"].random() < self.ratio
        return (self.stored if take_stored else self.simulated)(results)
