"""Lesions found and falsely found, counted as lesions and not as pixels."""

from collections.abc import Sequence

import numpy as np
from scipy import ndimage
from scipy.optimize import linear_sum_assignment

from ultraref.errors import UserError
from ultraref.evaluation.case import Case
from ultraref.evaluation.metrics.base import BaseMeasure, Row, add_delta, measured_groups
from ultraref.evaluation.table import TableRow
from ultraref.registry import METRICS


@METRICS.register_module()
class LesionMeasure(BaseMeasure):
    """Lesion-wise sensitivity, false lesions an image, and the rate of false alarms in images without a lesion.

    A lesion is an 8-connected part of a mask. True and predicted lesions are paired one to one, so that as many pairs as possible have
    an IoU of at least `min_iou`; what is paired is found, and what is predicted and not paired is false. So one blob over two lesions finds at
    most one, a lesion in two pieces is found once with one false, and a mask that floods the image finds none.

    Logged for each group: lesion_sensitivity, found over true lesions of all images; false_lesions, their mean number an image; and
    false_alarms, the share of the images without a lesion in which one is predicted, where there are such images.

    Args:
        min_iou: in (0, 1]. 0.1 is what nnDetection counts as found (Baumgartner et al. 2021).

    Raises:
        UserError: `min_iou` is out of range.
    """

    table = {
        "lesion_sensitivity": TableRow("Lesion sensitivity"),
        "false_lesions": TableRow("False lesions an image", 3, lower_is_better=True, bounded=False),
        "false_alarms": TableRow("False alarms", lower_is_better=True),
    }
    per_image = ("false_lesions",)

    def __init__(self, min_iou: float = 0.1):
        if not 0 < min_iou <= 1:
            raise UserError(f"LesionMeasure: min_iou is {min_iou}; it must lie in (0, 1]")
        self.min_iou = min_iou
        self.rule = (
            f"Lesions: a true and a predicted lesion are one where their IoU is at least {min_iou:g}, each paired once"
        )

    def measure(self, case: Case) -> dict[str, object]:
        """Returns true_lesions, and GROUP_found_lesions and GROUP_false_lesions."""
        target = case.target.cpu().numpy()
        columns: dict[str, object] = {}
        for group, mask in case.masks.items():
            found, false, true = match_lesions(mask.cpu().numpy(), target, self.min_iou)
            columns["true_lesions"] = true
            columns[f"{group}_found_lesions"], columns[f"{group}_false_lesions"] = found, false
        return columns

    def summarise(self, rows: Sequence[Row]) -> dict[str, float]:
        """Returns the metrics named above."""
        summary = super().summarise(rows)
        true = sum(row["true_lesions"] for row in rows)
        healthy = [row for row in rows if row["true_lesions"] == 0]
        for group in measured_groups(rows):
            if true:
                summary[f"{group}/lesion_sensitivity"] = sum(row[f"{group}_found_lesions"] for row in rows) / true
            if healthy:
                summary[f"{group}/false_alarms"] = float(
                    np.mean([row[f"{group}_false_lesions"] > 0 for row in healthy])
                )
        return add_delta(summary, ("lesion_sensitivity", "false_alarms"))

    def notes(self, rows: Sequence[Row]) -> list[str]:
        """Returns the rule, and the numbers of lesions and of images without one."""
        true = sum(row["true_lesions"] for row in rows)
        healthy = sum(row["true_lesions"] == 0 for row in rows)
        return [f"{self.rule}; {true} true lesions in {len(rows)} images, {healthy} images without one"]


def match_lesions(prediction: np.ndarray, target: np.ndarray, min_iou: float) -> tuple[int, int, int]:
    """Pairs the lesions of two masks.

    Args:
        prediction: (H, W) bool.
        target: (H, W) bool.
        min_iou: least IoU of a pair.

    Returns:
        Numbers of true lesions that are found, of predicted ones that are false, and of true ones.
    """
    neighbours = np.ones((3, 3))
    predicted_labels, predicted = ndimage.label(prediction, neighbours)
    true_labels, true = ndimage.label(target, neighbours)
    if not predicted or not true:
        return 0, predicted, true
    pairs = np.bincount(
        (true_labels * (predicted + 1) + predicted_labels).ravel(), minlength=(true + 1) * (predicted + 1)
    )
    counts = pairs.reshape(true + 1, predicted + 1)
    both = counts[1:, 1:]
    either = counts[1:].sum(axis=1)[:, None] + counts[:, 1:].sum(axis=0)[None] - both
    fits = both >= min_iou * either
    # The cost of a pair that doesn't fit is 1, so that the cheapest pairing has the most that do.
    found = int(fits[linear_sum_assignment(~fits)].sum())
    return found, predicted - found, true
