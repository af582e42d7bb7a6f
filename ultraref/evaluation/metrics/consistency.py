"""Whether models, or views, that disagree about an image are wrong about it."""

from collections.abc import Sequence

from ultraref.evaluation.case import Case
from ultraref.evaluation.metrics.base import BaseMeasure, Row
from ultraref.evaluation.metrics.overlap import OverlapMeasure
from ultraref.evaluation.metrics.rank_correlation import rank_correlation
from ultraref.registry import METRICS


@METRICS.register_module()
class ConsistencyMeasure(BaseMeasure):
    """Rank correlation over images of how far the predictions that were averaged agree with the real Dice of their mean.

    Logged as quality/consistency_spearman. The sample's `consistency` (column consistency) is the mean pairwise Dice of the masks of an ensemble's
    models, or of an image's mirror images. A test of one model without mirror images logs nothing.
    """

    needs = (OverlapMeasure,)

    def measure(self, case: Case) -> dict[str, object]:
        """Returns consistency where the sample has it."""
        value = case.sample.get("consistency")
        return {} if value is None else {"consistency": float(value)}

    def summarise(self, rows: Sequence[Row]) -> dict[str, float]:
        """Returns the correlation."""
        known = [row for row in rows if row.get("consistency") is not None]
        real = [row.get("refined_dice", row.get("coarse_dice")) for row in known]
        value = rank_correlation([row["consistency"] for row in known], real)
        return {} if value is None else {"quality/consistency_spearman": value}

    def notes(self, rows: Sequence[Row]) -> list[str]:
        """Says it in a line."""
        summary = self.summarise(rows)
        if not summary:
            return []
        value = summary["quality/consistency_spearman"]
        return [
            f"Mean pairwise Dice of the predictions that were averaged against the real Dice of their mean: Spearman {value:.2f}"
        ]
