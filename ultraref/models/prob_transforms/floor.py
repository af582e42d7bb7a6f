"""Probability floor: removes the faint background of a softmax."""

import torch
from torch import Tensor

from ultraref.errors import UserError
from ultraref.models.precision import full_precision
from ultraref.models.prob_transforms.base import BaseProbTransform
from ultraref.registry import PROB_TRANSFORMS


@PROB_TRANSFORMS.register_module()
class ProbFloor(BaseProbTransform):
    """max(p - floor, 0) / (1 - floor): 0 up to the floor, then linear up to 1. Below the floor the gradient is 0.

    A background of 0.005 over 224 x 224 pixels weighs 251 pixels, more than a small lesion, and draws centroid, box
    and ROI to the whole frame.

    Args:
        floor: probability that becomes 0, in [0, 1).

    Raises:
        ValueError: `floor` is outside [0, 1).
    """

    def __init__(self, floor: float = 0.05):
        super().__init__()
        if not 0 <= floor < 1:
            raise UserError(f"ProbFloor: floor={floor}, but it must lie in [0, 1)")
        self.floor = floor

    @full_precision
    def forward(self, prob: Tensor) -> Tensor:
        """See the base class."""
        return torch.relu(prob - self.floor) / (1 - self.floor)
