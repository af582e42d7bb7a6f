"""Cross entropy plus Dice of two-class logits: the loss of the coarse network."""

from torch import Tensor, nn

from ultraref.models.losses.functional import check_shape, soft_dice
from ultraref.models.precision import full_precision
from ultraref.registry import LOSSES


@LOSSES.register_module()
class CEDiceLoss(nn.Module):
    """ce_weight * CE + dice_weight * (1 - Dice), for each sample, then the mean over the batch.

    With p = softmax(logits)[:, 1] and N pixels:
        CE = -1/N sum(t log(p) + (1 - t) log(1 - p))
        Dice = (2 sum(p t) + smooth) / (sum(p) + sum(t) + smooth), of the lesion class alone

    The reference's phase 1 (section "Phase 1: TransUNet Pre-training") gives 0.5 and 0.5.

    Args:
        ce_weight: Weight of the cross entropy.
        dice_weight: Weight of the Dice term.
        smooth: Smoothing of Dice, in pixels.
    """

    def __init__(self, ce_weight: float = 0.5, dice_weight: float = 0.5, smooth: float = 1.0):
        super().__init__()
        self.ce_weight = ce_weight
        self.dice_weight = dice_weight
        self.smooth = smooth

    @full_precision
    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """Returns the loss, a scalar.

        Args:
            logits: (B, 2, H, W); class 1 is the lesion.
            target: (B, 1, H, W) in [0, 1], the fraction of each pixel that is lesion.

        Raises:
            ValueError: other shapes.
        """
        check_shape(self, "logits", logits, (None, 2, None, None))
        check_shape(self, "target", target, (logits.shape[0], 1, *logits.shape[2:]))
        log_prob = logits.log_softmax(dim=1)
        background, lesion = log_prob[:, :1], log_prob[:, 1:]
        cross_entropy = -(target * lesion + (1 - target) * background).mean(dim=(1, 2, 3))
        dice = soft_dice(lesion.exp(), target, self.smooth).squeeze(1)
        return (self.ce_weight * cross_entropy + self.dice_weight * (1 - dice)).mean()
