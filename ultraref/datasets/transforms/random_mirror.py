"""Mirrors image, mask and coarse probability alike."""

import numpy as np

from ultraref.datasets.transforms.base import LesionTransform
from ultraref.errors import UserError
from ultraref.registry import TRANSFORMS


@TRANSFORMS.register_module()
class RandomMirror(LesionTransform):
    """Mirrors the sample left to right, exactly: no pixel is interpolated.

    An image has two looks then, both of which an embedding cache can keep. That is what it is there for beside `RandomRotateFlip`.

    Args:
        prob: share of the samples that are mirrored, in [0, 1].

    Raises:
        UserError: `prob` is out of range.
    """

    moves_pixels = True
    has_few_outcomes = True

    def __init__(self, prob: float = 0.5):
        if not 0 <= prob <= 1:
            raise UserError(f"RandomMirror: prob is a probability, but is {prob}")
        self.prob = prob

    def transform(self, results: dict) -> dict:
        if results["rng"].random() < self.prob:
            for key in ("img", "gt_seg_map", "coarse_prob"):
                if key in results:
                    results[key] = np.ascontiguousarray(results[key][:, ::-1])
        return results
