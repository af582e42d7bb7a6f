"""Whether a probability means what it says."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from ultraref.errors import UserError
from ultraref.evaluation.case import Case
from ultraref.evaluation.metrics.base import BaseMeasure, Row, add_delta, measured_groups
from ultraref.evaluation.table import TableRow
from ultraref.registry import METRICS


@METRICS.register_module()
class CalibrationMeasure(BaseMeasure):
    """Brier score and expected calibration error of the pixels' lesion probability, before it is thresholded.

    The Brier score (Brier 1950) of an image is the mean of (p - y)^2 over its pixels, and is averaged over images (column GROUP_brier).
    The expected calibration error (Naeini et al. 2015; Guo et al. 2017) is of all images together: with bins of equal width in p, the
    sum over bins of share * |mean p - share of lesion pixels|. It is of the lesion's probability, not of the likelier class's, and each
    image weighs the same however many pixels it has. Both are small where most of an image is sure background; compare models on
    the same images only.

    Args:
        num_bins: 15 as in Guo et al.

    Raises:
        UserError: there is no bin.
    """

    table = {
        "brier": TableRow("Brier score", lower_is_better=True),
        "ece": TableRow("Calibration error", lower_is_better=True),
    }
    per_image = ("brier",)

    def __init__(self, num_bins: int = 15):
        if num_bins < 1:
            raise UserError(f"CalibrationMeasure: num_bins is {num_bins}; it must be at least 1")
        self.num_bins = num_bins
        self.rule = (
            f"Calibration: of the lesion's probability in every pixel, {num_bins} bins, each image weighs the same"
        )

    def measure(self, case: Case) -> dict[str, object]:
        """Returns GROUP_brier, and for the table as a whole the sums in the bins."""
        columns: dict[str, object] = {}
        for group, prob in case.probs.items():
            # On the host: a weighted count on a GPU differs from run to run, and not every device has float64.
            prob, target = prob.cpu().double().clamp(0, 1), case.target.cpu().double()
            columns[f"{group}_brier"] = float(((prob - target) ** 2).mean())
            columns[f"_{group}_bins"] = bin_shares(prob, target, self.num_bins)
        return columns

    def summarise(self, rows: Sequence[Row]) -> dict[str, float]:
        """Returns GROUP/brier and GROUP/ece."""
        summary = super().summarise(rows)
        for group in measured_groups(rows):
            _, prob, lesion = self._mean_bins(rows, group)
            summary[f"{group}/ece"] = float(np.abs(prob - lesion).sum())
        return add_delta(summary, ("ece",))

    def details(self, rows: Sequence[Row]) -> dict:
        """Returns the reliability diagram of each group: per bin the share of pixels, mean probability and share of lesion."""
        diagrams = {}
        for group in measured_groups(rows):
            share, prob, lesion = self._mean_bins(rows, group)
            # A bin without a pixel has neither.
            diagrams[group] = {
                "share": share.tolist(),
                "probability": [float(p / s) if s else None for p, s in zip(prob, share)],
                "lesion": [float(y / s) if s else None for y, s in zip(lesion, share)],
            }
        return {"calibration": {"num_bins": self.num_bins, "groups": diagrams}}

    @staticmethod
    def _mean_bins(rows: Sequence[Row], group: str) -> np.ndarray:
        return np.mean([row[f"_{group}_bins"] for row in rows], axis=0)


def bin_shares(prob: Tensor, target: Tensor, num_bins: int) -> list[list[float]]:
    """Sums over the pixels of each bin of p, divided by the number of all pixels.

    Args:
        prob: (H, W) double in [0, 1].
        target: (H, W) double in {0, 1}.
        num_bins: bins of equal width; the last one holds p = 1.

    Returns:
        (3, num_bins): sums of 1, of p, and of the target.
    """
    place = (prob * num_bins).long().clamp(max=num_bins - 1).flatten()
    weights = (torch.ones_like(prob), prob, target)
    sums = [torch.bincount(place, weights=weight.flatten(), minlength=num_bins) for weight in weights]
    return (torch.stack(sums) / prob.numel()).tolist()
