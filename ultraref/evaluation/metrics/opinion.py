"""Whether a second coarse network knows how far SAM's mask is to be trusted."""

from collections.abc import Sequence

import numpy as np

from ultraref.evaluation.case import Case
from ultraref.evaluation.metrics.base import BaseMeasure, Row
from ultraref.evaluation.metrics.overlap import OverlapMeasure
from ultraref.evaluation.metrics.predicted_dice import helped_before_harmed
from ultraref.evaluation.metrics.rank_correlation import rank_correlation
from ultraref.registry import METRICS


@METRICS.register_module()
class OpinionMeasure(BaseMeasure):
    """Rank correlation over images of SAM's agreement with a second coarse network with the real Dice of SAM's mask.

    Logged as quality/opinion_spearman, and quality/opinion_harm_auc: how well it tells helped from harmed images (`helped_before_harmed`). The
    sample's `opinion` (column opinion) is the IoU of the two masks. A model without a second network logs nothing; images in which SAM
    wasn't asked are left out.
    """

    needs = (OverlapMeasure,)

    def measure(self, case: Case) -> dict[str, object]:
        """Returns opinion where the sample has it."""
        value = case.sample.get("opinion")
        return {} if value is None else {"opinion": float(value)}

    def summarise(self, rows: Sequence[Row]) -> dict[str, float]:
        """Returns the two, those that can be said."""
        known = [row for row in rows if row.get("opinion") is not None and not row["coarse_empty"]]
        said, real = (np.array([row[name] for row in known]) for name in ("opinion", "sam_dice"))
        summary = {
            "quality/opinion_spearman": rank_correlation(said, real),
            "quality/opinion_harm_auc": helped_before_harmed(said, np.array([row["delta_dice"] for row in known])),
        }
        return {name: value for name, value in summary.items() if value is not None}

    def notes(self, rows: Sequence[Row]) -> list[str]:
        """Says both in a line."""
        summary = self.summarise(rows)
        words = {
            "opinion_spearman": "Spearman {:.2f} with the Dice of SAM's mask",
            "opinion_harm_auc": "it tells helped from harmed images with an AUC of {:.2f}",
        }
        said = [text.format(summary[f"quality/{name}"]) for name, text in words.items() if f"quality/{name}" in summary]
        return [f"SAM's agreement with the second coarse network: {', '.join(said)}"] if said else []
