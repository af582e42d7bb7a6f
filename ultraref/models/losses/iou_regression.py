"""Squared error of SAM's predicted IoU."""

import torch
from torch import Tensor, nn

from ultraref.models.losses.functional import check_shape
from ultraref.models.precision import full_precision
from ultraref.registry import LOSSES


@LOSSES.register_module()
class IoURegressionLoss(nn.Module):
    """Mean over candidates and batch of (predicted IoU - real IoU)^2, reference section 2.6.

    The real IoU is that of the binary mask b = [logits > 0], the mask that is used in the end, with the target:
        IoU = sum(min(b, t)) / sum(max(b, t))
    A target that is area-resampled has fractions at its outline. There min and max are the area of a pixel that both
    cover and that either covers, as far as the fraction tells, so that the IoU is one of areas; for a binary target it
    is the usual one. The IoU of two empty masks is 1. It has no gradient: only the predicted IoU is trained.
    """

    @full_precision
    def forward(self, logits: Tensor, iou: Tensor, target: Tensor) -> Tensor:
        """Returns the loss, a scalar.

        Args:
            logits: (B, K, m, m), K candidate masks.
            iou: (B, K), their predicted IoU.
            target: (B, 1, m, m) in [0, 1], the fraction of each pixel that is lesion.

        Raises:
            ValueError: other shapes.
        """
        check_shape(self, "logits", logits, (None, None, None, None))
        check_shape(self, "iou", iou, tuple(logits.shape[:2]))
        check_shape(self, "target", target, (logits.shape[0], 1, *logits.shape[2:]))
        return (iou - binary_iou(logits, target)).square().mean()


@torch.no_grad()
def binary_iou(logits: Tensor, target: Tensor) -> Tensor:
    """IoU of [logits > 0] with a target that may be fractional: sum(min) / sum(max), and 1 where both are empty.

    Args:
        logits: (B, K, m, m).
        target: (B, 1, m, m) in [0, 1].

    Returns:
        (B, K) in [0, 1], of the target's dtype.
    """
    mask = (logits > 0).to(target.dtype)
    intersection = torch.minimum(mask, target).sum(dim=(-2, -1))
    union = torch.maximum(mask, target).sum(dim=(-2, -1))
    return torch.where(union > 0, intersection / union.clamp(min=torch.finfo(union.dtype).tiny), 1.0)
