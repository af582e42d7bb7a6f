"""Loss of a quality head: predicted Dice, and the probability of harm."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ultraref.errors import UserError
from ultraref.models.losses.functional import check_shape
from ultraref.models.precision import full_precision
from ultraref.registry import LOSSES

_EPS = 1e-6


@LOSSES.register_module()
class QualityLoss(nn.Module):
    """Mean over cases of the squared errors of two predicted Dice, plus harm_weight times the cross entropy of the probability of harm.

    Why harm is predicted, and not read off the difference of the two Dice: where SAM contradicts the coarse mask it both helps and harms most, and
    the mean difference is largest there.

    Args:
        harm_weight: of the cross entropy, at least 0. Its gradients are some ten times those of the squared errors.

    Raises:
        UserError: `harm_weight` is negative.
    """

    def __init__(self, harm_weight: float = 0.1):
        super().__init__()
        if not harm_weight >= 0:
            raise UserError(f"QualityLoss: harm_weight={harm_weight}, but it must not be negative")
        self.harm_weight = harm_weight

    @full_precision
    def forward(self, quality: Tensor, target: Tensor) -> Tensor:
        """Returns the loss, a scalar.

        Args:
            quality: (N, 3) predicted Dice of the coarse mask and of SAM's and probability of harm, each in [0, 1]; N >= 1.
            target: (N, 3) real Dice, and 1 where refinement harms, else 0.

        Raises:
            ValueError: other shapes.
        """
        check_shape(self, "quality", quality, (None, 3))
        check_shape(self, "target", target, tuple(quality.shape))
        dice = (quality[:, :2] - target[:, :2]).square().sum(dim=1)
        harm = F.binary_cross_entropy(quality[:, 2].clamp(_EPS, 1 - _EPS), target[:, 2], reduction="none")
        return torch.mean(dice + self.harm_weight * harm)
