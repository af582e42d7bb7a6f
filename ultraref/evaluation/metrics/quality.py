"""Whether SAM knows how good its mask is."""

from collections.abc import Sequence

import numpy as np
from scipy import stats

from ultraref.evaluation.case import Case
from ultraref.evaluation.metrics.base import BaseMeasure, Row
from ultraref.evaluation.metrics.overlap import OverlapMeasure
from ultraref.registry import METRICS

# Below, a correlation says nothing.
LEAST = 3


@METRICS.register_module()
class QualityMeasure(BaseMeasure):
    """Correlation over images of the IoU that SAM predicts with the real one of its mask, before the gate.

    Logged as quality/spearman and quality/pearson. The sample's `predicted_iou` is that of the best candidate, averaged over the
    components that SAM was asked about (column predicted_iou). A model without `sam`, such as SAM2Rad, is judged by `refined`. Images
    in which SAM wasn't asked or whose coarse mask is empty are left out, and so is the metric where fewer than three images are left or
    all have the same value.
    """

    needs = (OverlapMeasure,)

    def measure(self, case: Case) -> dict[str, object]:
        """Returns predicted_iou where the sample has one, and agreement, the IoU of SAM's and the coarse mask, where it has both."""
        columns = {}
        if "sam" in case.masks and "coarse" in case.masks:
            sam, coarse = case.masks["sam"], case.masks["coarse"]
            either = int((sam | coarse).sum())
            columns["agreement"] = int((sam & coarse).sum()) / either if either else 1.0
        predicted = case.sample.get("predicted_iou")
        return columns if predicted is None else {**columns, "predicted_iou": float(predicted)}

    def summarise(self, rows: Sequence[Row]) -> dict[str, float]:
        """Returns the two correlations."""
        predicted, real = self._pairs(rows)
        if len(real) < LEAST or np.ptp(predicted) == 0 or np.ptp(real) == 0:
            return {}
        return {
            "quality/spearman": float(stats.spearmanr(predicted, real).statistic),
            "quality/pearson": float(stats.pearsonr(predicted, real).statistic),
        }

    def notes(self, rows: Sequence[Row]) -> list[str]:
        """Says both in a line."""
        summary = self.summarise(rows)
        if not summary:
            return []
        return [
            f"IoU that SAM predicts against the real one: Spearman {summary['quality/spearman']:.2f}, Pearson "
            f"{summary['quality/pearson']:.2f}, {len(self._pairs(rows)[0])} of {len(rows)} images"
        ]

    @staticmethod
    def _pairs(rows: Sequence[Row]) -> tuple[list[float], list[float]]:
        asked = [row for row in rows if row.get("predicted_iou") is not None and not row["coarse_empty"]]
        return [row["predicted_iou"] for row in asked], [row.get("sam_iou", row.get("refined_iou")) for row in asked]
