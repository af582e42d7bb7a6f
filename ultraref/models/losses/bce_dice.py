"""BCE plus Dice of binary mask logits: SAM's candidates, or the refined mask."""

from torch import Tensor, nn
from torch.nn import functional as F

from ultraref.models.losses.functional import check_shape, soft_dice
from ultraref.models.precision import full_precision
from ultraref.registry import LOSSES


@LOSSES.register_module()
class BCEDiceLoss(nn.Module):
    """bce_weight * BCE + dice_weight * (1 - Dice), for each candidate, then the mean over candidates and batch.

    With p = sigmoid(logits) and N pixels:
        BCE = -1/N sum(t log(p) + (1 - t) log(1 - p))
        Dice = (2 sum(p t) + smooth) / (sum(p) + sum(t) + smooth)

    This is the reference's section 2.6; its "union" is the sum of the two areas.

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
    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """Returns the loss, a scalar.

        Args:
            logits: (B, K, H, W), K candidate masks; one for the refined mask.
            target: (B, 1, H, W) in [0, 1], the fraction of each pixel that is lesion, for every candidate.

        Raises:
            ValueError: other shapes.
        """
        check_shape(self, "logits", logits, (None, None, None, None))
        check_shape(self, "target", target, (logits.shape[0], 1, *logits.shape[2:]))
        bce = F.binary_cross_entropy_with_logits(logits, target.expand_as(logits), reduction="none").mean(dim=(2, 3))
        dice = soft_dice(logits.sigmoid(), target, self.smooth)
        return (self.bce_weight * bce + self.dice_weight * (1 - dice)).mean()
