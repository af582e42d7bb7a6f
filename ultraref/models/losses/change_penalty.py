"""A penalty on changing a coarse mask that was good already."""

from torch import Tensor, nn

from ultraref.errors import UserError
from ultraref.models.losses.functional import check_shape
from ultraref.models.precision import full_precision
from ultraref.registry import LOSSES


@LOSSES.register_module()
class ChangePenalty(nn.Module):
    """mean((q - p)^2) * w for each sample, then the mean over the batch, reference section 3.3.

    w = clamp((Dice(p, gt) - low) / (high - low), 0, 1): 0 for a coarse mask of Dice `low` or worse, which may be
    changed freely, and 1 at `high`. The factor lambda (0.5) belongs to the model that adds the losses up.

    Args:
        low: Dice of the coarse mask up to which changes are free.
        high: Dice from which the weight is 1.

    Raises:
        ValueError: not 0 <= low < high <= 1.
    """

    def __init__(self, low: float = 0.6, high: float = 1.0):
        super().__init__()
        if not 0 <= low < high <= 1:
            raise UserError(f"ChangePenalty needs 0 <= low < high <= 1, but got low={low} and high={high}")
        self.low = low
        self.high = high

    @full_precision
    def forward(self, sam_prob: Tensor, coarse_prob: Tensor, coarse_dice: Tensor) -> Tensor:
        """Returns the penalty, a scalar.

        Args:
            sam_prob: (B, 1, H, W) in [0, 1].
            coarse_prob: (B, 1, H, W) in [0, 1], in the same frame.
            coarse_dice: (B,) in [0, 1], Dice of the coarse mask with the ground truth; taken as a constant.

        Raises:
            ValueError: other shapes.
        """
        check_shape(self, "sam_prob", sam_prob, (None, 1, None, None))
        check_shape(self, "coarse_prob", coarse_prob, tuple(sam_prob.shape))
        check_shape(self, "coarse_dice", coarse_dice, (sam_prob.shape[0],))
        weight = ((coarse_dice.detach() - self.low) / (self.high - self.low)).clamp(0, 1)
        change = (sam_prob - coarse_prob).square().mean(dim=(1, 2, 3))
        return (change * weight).mean()
