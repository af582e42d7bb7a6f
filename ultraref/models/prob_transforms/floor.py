"""Probability floor: removes the faint background of a softmax."""

import torch
from torch import Tensor

from ultraref.errors import UserError
from ultraref.models.precision import full_precision
from ultraref.models.prob_transforms.base import BaseProbTransform
from ultraref.registry import PROB_TRANSFORMS


@PROB_TRANSFORMS.register_module()
class ProbFloor(BaseProbTransform):
    """0 up to the floor, then linear up to p = 0.5, and p itself from there on. Below the floor the gradient is 0.

    f(p) = 0.5 * max(p - floor, 0) / (0.5 - floor) for p < 0.5, else p. What is lesion stays lesion: a map that is linear up to 1 would
    move 0.5, and with it the edge of a mask prompt, whose zero lies there.

    A background of 0.005 over 224 x 224 pixels weighs 251 pixels, more than a small lesion, and draws centroid, box
    and ROI to the whole frame.

    Args:
        floor: probability that becomes 0, in [0, 0.5).

    Raises:
        UserError: `floor` is outside [0, 0.5).
    """

    def __init__(self, floor: float = 0.05):
        super().__init__()
        if not 0 <= floor < 0.5:
            raise UserError(f"ProbFloor: floor={floor}, but it must lie in [0, 0.5)")
        self.floor = floor

    @full_precision
    def forward(self, prob: Tensor) -> Tensor:
        """See the base class."""
        return torch.where(prob < 0.5, torch.relu(prob - self.floor) * (0.5 / (0.5 - self.floor)), prob)
