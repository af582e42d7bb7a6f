"""A penalty on changing a coarse mask that was good already."""

from torch import Tensor, nn

from ultraref.errors import UserError
from ultraref.models.losses.functional import check_shape
from ultraref.models.precision import full_precision
from ultraref.registry import LOSSES


@LOSSES.register_module()
class ChangePenalty(nn.Module):
    """sum((q - p)^2) / area * w for each sample, then the mean over the batch, reference section 3.3.

    The reference averages over the frame, so that the same change costs a lesion of 1 % of the frame sixty times less than one of
    60 %. Here the sum is divided by the coarse mask's soft area, sum(p), at least one pixel: a mask that is given up costs about 1,
    whatever its size. (The area of q as well would let a faint q everywhere pay for the change.) `per="frame"` is the reference's
    mean.

    w = clamp((Dice(p, gt) - low) / (high - low), 0, 1): 0 for a coarse mask of Dice `low` or worse, which may be
    changed freely, and 1 at `high`. The factor lambda (0.5) belongs to the model that adds the losses up.

    Args:
        low: Dice of the coarse mask up to which changes are free.
        high: Dice from which the weight is 1.
        per: "lesion" or "frame", what the sum is divided by.

    Raises:
        UserError: not 0 <= low < high <= 1, or `per` is another word.
    """

    def __init__(self, low: float = 0.6, high: float = 1.0, per: str = "lesion"):
        super().__init__()
        if per not in ("lesion", "frame"):
            raise UserError(f"ChangePenalty: per is {per!r}; it must be 'lesion' or 'frame'")
        if not 0 <= low < high <= 1:
            raise UserError(f"ChangePenalty needs 0 <= low < high <= 1, but got low={low} and high={high}")
        self.low = low
        self.high = high
        self.per = per

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
        squares = (sam_prob - coarse_prob).square()
        if self.per == "frame":
            change = squares.mean(dim=(1, 2, 3))
        else:
            change = squares.sum(dim=(1, 2, 3)) / coarse_prob.sum(dim=(1, 2, 3)).clamp(min=1)
        return (change * weight).mean()
