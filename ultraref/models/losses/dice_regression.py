"""Squared error of predicted Dice."""

import torch
from torch import Tensor, nn

from ultraref.errors import UserError
from ultraref.models.losses.functional import check_shape
from ultraref.models.precision import full_precision
from ultraref.registry import LOSSES


@LOSSES.register_module()
class DiceRegressionLoss(nn.Module):
    """Mean over cases of the squared errors of two predicted Dice and of their difference.

    For predicted (a, b) and real (A, B) of coarse and SAM's mask

        (a - A)^2 + (b - B)^2 + gain_weight * ((b - a) - (B - A))^2

    The two masks of a case are mostly good or bad together, so that their difference, by which a gate decides, is small beside them: without the
    last term it would be learnt last.

    Args:
        gain_weight: weight of the last term, at least 0.

    Raises:
        UserError: `gain_weight` is negative.
    """

    def __init__(self, gain_weight: float = 4.0):
        super().__init__()
        if not gain_weight >= 0:
            raise UserError(f"DiceRegressionLoss: gain_weight={gain_weight}, but it must not be negative")
        self.gain_weight = gain_weight

    @full_precision
    def forward(self, dice: Tensor, target: Tensor) -> Tensor:
        """Returns the loss, a scalar.

        Args:
            dice: (N, 2) predicted Dice of the coarse mask and of SAM's, N >= 1.
            target: (N, 2) real Dice.

        Raises:
            ValueError: other shapes.
        """
        check_shape(self, "dice", dice, (None, 2))
        check_shape(self, "target", target, tuple(dice.shape))
        error = dice - target
        both = error.square().sum(dim=1)
        return torch.mean(both + self.gain_weight * (error[:, 1] - error[:, 0]).square())
