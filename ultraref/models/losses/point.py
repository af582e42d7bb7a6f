"""Losses of predicted points: where they are, and on which side of the outline."""

from torch import Tensor, nn
from torch.nn import functional as F

from ultraref.errors import UserError
from ultraref.models.losses.functional import check_shape
from ultraref.models.precision import full_precision
from ultraref.registry import LOSSES


@LOSSES.register_module()
class PointCoordinateLoss(nn.Module):
    """Smooth L1 of coordinates, the mean over points and axes, then over the batch.

    For a difference d: d^2 / (2 beta) where |d| < beta, else |d| - beta / 2 (Girshick, "Fast R-CNN", arXiv:1504.08083).
    A sample that is switched off counts as 0.

    Args:
        beta: where the parabola ends, in units of the coordinates, > 0.

    Raises:
        ValueError: beta out of range.
    """

    def __init__(self, beta: float = 1.0):
        super().__init__()
        if not beta > 0:
            raise UserError(f"PointCoordinateLoss: beta is {beta}, but must be above 0")
        self.beta = beta

    @full_precision
    def forward(self, points: Tensor, target: Tensor, valid: Tensor) -> Tensor:
        """Returns the loss, a scalar.

        Args:
            points: (B, N, 2) (x, y) in shares of the frame.
            target: (B, N, 2) likewise.
            valid: (B,) 1 for samples that count, 0 for others.

        Raises:
            ValueError: other shapes.
        """
        check_shape(self, "points", points, (None, None, 2))
        check_shape(self, "target", target, tuple(points.shape))
        check_shape(self, "valid", valid, (points.shape[0],))
        loss = F.smooth_l1_loss(points, target, reduction="none", beta=self.beta)
        return (loss.mean(dim=(1, 2)) * valid).mean()


@LOSSES.register_module()
class PointLabelLoss(nn.Module):
    """Binary cross entropy of points' labels, the mean over points, then over the batch.

    A sample that is switched off counts as 0.
    """

    @full_precision
    def forward(self, logits: Tensor, target: Tensor, valid: Tensor) -> Tensor:
        """Returns the loss, a scalar.

        Args:
            logits: (B, N) of "in the lesion".
            target: (B, N) in [0, 1].
            valid: (B,) 1 for samples that count, 0 for others.

        Raises:
            ValueError: other shapes.
        """
        check_shape(self, "logits", logits, (None, None))
        check_shape(self, "target", target, tuple(logits.shape))
        check_shape(self, "valid", valid, (logits.shape[0],))
        loss = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
        return (loss.mean(dim=1) * valid).mean()
