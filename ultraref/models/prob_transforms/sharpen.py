"""Sharpening: moves probabilities away from 0.5."""

from torch import Tensor

from ultraref.errors import UserError
from ultraref.models.precision import full_precision
from ultraref.models.prob_transforms.base import BaseProbTransform
from ultraref.registry import PROB_TRANSFORMS


@PROB_TRANSFORMS.register_module()
class ProbSharpen(BaseProbTransform):
    """p**k / (p**k + (1 - p)**k), which multiplies the logit of p by `k`. 0, 0.5 and 1 stay where they are.

    Args:
        k: factor of the logit, at least 1; 1 changes nothing. Below 1 the gradient at p = 0 and 1 would be infinite.

    Raises:
        ValueError: `k` is below 1.
    """

    def __init__(self, k: float = 2.0):
        super().__init__()
        if not k >= 1:
            raise UserError(f"ProbSharpen: k={k}, but it must be at least 1")
        self.k = k

    @full_precision
    def forward(self, prob: Tensor) -> Tensor:
        """See the base class."""
        lesion, background = prob**self.k, (1 - prob) ** self.k
        return lesion / (lesion + background)
