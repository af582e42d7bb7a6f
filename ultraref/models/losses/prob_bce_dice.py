"""BCE plus Dice of a probability that has no logits, such as one pasted back or mixed by a gate."""

from torch import Tensor, nn
from torch.nn import functional as F

from ultraref.models.losses.functional import check_shape, soft_dice
from ultraref.models.precision import full_precision
from ultraref.registry import LOSSES

_EPS = 1e-6


@LOSSES.register_module()
class ProbBCEDiceLoss(nn.Module):
    """bce_weight * BCE + dice_weight * (1 - Dice), for each sample, then the mean over the batch.

    With p the probability, clamped to [1e-6, 1 - 1e-6] for the BCE, and N pixels:
        BCE = -1/N sum(t log(p) + (1 - t) log(1 - p))
        Dice = (2 sum(p t) + smooth) / (sum(p) + sum(t) + smooth)

    A pasted probability is exactly 0 outside the region of interest, where the BCE of a lesion pixel would have a
    gradient of -1e12. Beyond the clamp the BCE has no gradient, and Dice, which needs no clamp, still has.

    Args:
        bce_weight: Weight of the binary cross entropy.
        dice_weight: Weight of the Dice term.
        smooth: Smoothing of Dice, in pixels.
    """

    def __init__(self, bce_weight: float = 1.0, dice_weight: float = 1.0, smooth: float = 1.0):
        super().__init__()
        self.bce_weight = bce_weight
        self.dice_weight = dice_weight
        self.smooth = smooth

    @full_precision
    def forward(self, prob: Tensor, target: Tensor) -> Tensor:
        """Returns the loss, a scalar.

        Args:
            prob: (B, 1, H, W) in [0, 1].
            target: (B, 1, H, W) in [0, 1], the fraction of each pixel that is lesion.

        Raises:
            ValueError: other shapes.
        """
        check_shape(self, "prob", prob, (None, 1, None, None))
        check_shape(self, "target", target, tuple(prob.shape))
        clamped = prob.clamp(_EPS, 1 - _EPS)
        bce = F.binary_cross_entropy(clamped, target, reduction="none").mean(dim=(1, 2, 3))
        dice = soft_dice(prob, target, self.smooth).squeeze(1)
        return (self.bce_weight * bce + self.dice_weight * (1 - dice)).mean()
