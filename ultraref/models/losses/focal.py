"""Focal loss of mask logits, alone and with Dice."""

from torch import Tensor, nn
from torch.nn import functional as F

from ultraref.errors import UserError
from ultraref.models.losses.functional import check_shape, soft_dice
from ultraref.models.precision import full_precision
from ultraref.registry import LOSSES


@LOSSES.register_module()
class FocalLoss(nn.Module):
    """Binary focal loss: cross entropy that fades for pixels which are right already.

    Lin et al., "Focal Loss for Dense Object Detection", arXiv:1708.02002. With p = sigmoid(logits) and N pixels, for
    each candidate, then the mean over candidates and batch:
        1/N sum(-t alpha (1 - p)^gamma log(p) - (1 - t) (1 - alpha) p^gamma log(1 - p))
    For a fractional target this is the mean over the parts of the pixel. gamma = 0 and alpha = 0.5 give half the BCE.

    Args:
        alpha: Weight of lesion pixels, in [0, 1]; background pixels weigh 1 - alpha.
        gamma: How fast easy pixels fade, >= 0.

    Raises:
        ValueError: alpha or gamma out of range.
    """

    def __init__(self, alpha: float = 0.25, gamma: float = 2.0):
        super().__init__()
        if not 0 <= alpha <= 1 or gamma < 0:
            raise UserError(f"focal loss needs alpha in [0, 1] and gamma >= 0, but got {alpha} and {gamma}")
        self.alpha = alpha
        self.gamma = gamma

    @full_precision
    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """Returns the loss, a scalar.

        Args:
            logits: (B, K, H, W), K candidate masks.
            target: (B, 1, H, W) in [0, 1], the fraction of each pixel that is lesion, for every candidate.

        Raises:
            ValueError: other shapes.
        """
        check_shape(self, "logits", logits, (None, None, None, None))
        check_shape(self, "target", target, (logits.shape[0], 1, *logits.shape[2:]))
        log_lesion, log_background = F.logsigmoid(logits), F.logsigmoid(-logits)
        # Powers as exp(gamma * log): their gradients stay finite for gamma < 1 where a probability underflows to 0.
        lesion = -self.alpha * (self.gamma * log_background).exp() * log_lesion
        background = -(1 - self.alpha) * (self.gamma * log_lesion).exp() * log_background
        return (target * lesion + (1 - target) * background).mean()


@LOSSES.register_module()
class FocalDiceLoss(nn.Module):
    """focal_weight * focal + dice_weight * (1 - Dice), for each candidate, then the mean over candidates and batch.

    The mask loss of SAM (Kirillov et al., "Segment Anything", arXiv:2304.02643, appendix A), which weighs them 20 to 1.
    Focal as in `FocalLoss`, Dice as in `BCEDiceLoss`.

    Args:
        focal_weight: Weight of the focal loss.
        dice_weight: Weight of the Dice term.
        alpha: See `FocalLoss`.
        gamma: See `FocalLoss`.
        smooth: Smoothing of Dice, in pixels.
    """

    def __init__(
        self,
        focal_weight: float = 20.0,
        dice_weight: float = 1.0,
        alpha: float = 0.25,
        gamma: float = 2.0,
        smooth: float = 1.0,
    ):
        super().__init__()
        self.focal = FocalLoss(alpha, gamma)
        self.focal_weight = focal_weight
        self.dice_weight = dice_weight
        self.smooth = smooth

    @full_precision
    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """Returns the loss, a scalar; arguments and errors as in `FocalLoss.forward`."""
        focal = self.focal(logits, target)
        dice = soft_dice(logits.sigmoid(), target, self.smooth)
        return self.focal_weight * focal + self.dice_weight * (1 - dice).mean()
