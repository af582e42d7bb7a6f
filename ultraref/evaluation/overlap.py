"""Overlap of a predicted and a true mask, with a stated rule for empty ones."""

import torch
from torch import Tensor

from ultraref.errors import UserError

OVERLAP_NAMES = ("dice", "iou", "precision", "recall", "accuracy")


def overlap_metrics(prediction: Tensor, target: Tensor) -> dict[str, float]:
    """Dice, IoU, precision, recall and accuracy of one image.

    A ratio whose denominator is 0 is settled thus: where both masks are empty, the prediction is right and all five are 1;
    where only the prediction is empty, its precision is 0; where only the target is empty, its recall is 0. So an empty mask
    is never a perfect score unless the other one is empty too.

    Args:
        prediction: (H, W) bool.
        target: (H, W) bool, on the same device.

    Returns:
        The five numbers in [0, 1], by name.

    Raises:
        ValueError: the shapes differ.
    """
    if prediction.shape != target.shape:
        raise UserError(f"prediction is {tuple(prediction.shape)} and target {tuple(target.shape)}; they must be equal")
    # One copy to the host for the three counts.
    both, predicted, true = torch.stack([(prediction & target).sum(), prediction.sum(), target.sum()]).tolist()
    total = target.numel()
    correct = total - predicted - true + 2 * both
    if predicted == 0 and true == 0:
        return dict.fromkeys(OVERLAP_NAMES, 1.0)
    return dict(
        dice=2 * both / (predicted + true),
        iou=both / (predicted + true - both),
        precision=both / predicted if predicted else 0.0,
        recall=both / true if true else 0.0,
        accuracy=correct / total,
    )
