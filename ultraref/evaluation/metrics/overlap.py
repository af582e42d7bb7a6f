"""Overlap of a predicted and a true mask, with a stated rule for empty ones."""

from collections.abc import Sequence

import torch
from torch import Tensor

from ultraref.errors import UserError
from ultraref.evaluation.case import Case
from ultraref.evaluation.metrics.base import BaseMeasure, Row, emptiness_notes
from ultraref.evaluation.table import OVERLAP_ROWS
from ultraref.registry import METRICS


@METRICS.register_module()
class OverlapMeasure(BaseMeasure):
    """Dice, IoU, precision, recall, specificity and accuracy of each image, averaged over images."""

    rule = (
        "Overlap: both masks empty counts as 1; one of them empty gives Dice, IoU, precision and recall of 0, and the specificity and "
        "accuracy that come of counting"
    )
    table = OVERLAP_ROWS
    per_image = tuple(OVERLAP_ROWS)

    def measure(self, case: Case) -> dict[str, object]:
        """Returns GROUP_dice and so on."""
        return {
            f"{group}_{name}": value
            for group, mask in case.masks.items()
            for name, value in overlap_metrics(mask, case.target).items()
        }

    def notes(self, rows: Sequence[Row]) -> list[str]:
        """Returns the rule and the number of empty masks, if there are any."""
        return emptiness_notes(rows, self.rule)


def overlap_metrics(prediction: Tensor, target: Tensor) -> dict[str, float]:
    """Dice, IoU, precision, recall, specificity and accuracy of one image.

    A ratio whose denominator is 0 is settled thus: where both masks are empty, the prediction is right and all six are 1;
    where only the prediction is empty, its precision is 0; where only the target is empty, its recall is 0; where the target is the
    whole image, nothing can be falsely found, and the specificity is 1. So an empty mask is never a perfect score unless the other
    one is empty too.

    Args:
        prediction: (H, W) bool.
        target: (H, W) bool, on the same device.

    Returns:
        The six numbers in [0, 1], by name.

    Raises:
        ValueError: the shapes differ.
    """
    if prediction.shape != target.shape:
        raise UserError(f"prediction is {tuple(prediction.shape)} and target {tuple(target.shape)}; they must be equal")
    # One copy to the host for the three counts.
    both, predicted, true = torch.stack([(prediction & target).sum(), prediction.sum(), target.sum()]).tolist()
    total = target.numel()
    healthy = total - true
    if predicted == 0 and true == 0:
        return dict.fromkeys(OVERLAP_ROWS, 1.0)
    return dict(
        dice=2 * both / (predicted + true),
        iou=both / (predicted + true - both),
        precision=both / predicted if predicted else 0.0,
        recall=both / true if true else 0.0,
        specificity=(healthy - predicted + both) / healthy if healthy else 1.0,
        accuracy=(healthy - predicted + 2 * both) / total,
    )
