"""Whether a quality head knows how good the masks are, and whether refinement helps."""

from collections.abc import Sequence

import numpy as np

from ultraref.evaluation.case import Case
from ultraref.evaluation.metrics.base import BaseMeasure, Row
from ultraref.evaluation.metrics.changes import CHANGE
from ultraref.evaluation.metrics.overlap import OverlapMeasure
from ultraref.evaluation.metrics.rank_correlation import rank_correlation
from ultraref.registry import METRICS

NAMES = ("coarse", "sam")


@METRICS.register_module()
class PredictedDiceMeasure(BaseMeasure):
    """Rank correlation over images of predicted with real Dice, and how well predicted harm tells helped from harmed images.

    Logged as quality/dice_spearman_coarse, quality/dice_spearman_sam, quality/dice_mae_sam (mean absolute error) and quality/harm_auc: the
    probability that of an image whose Dice rises by more than 0.01 and one whose Dice falls by more than that, the first has the lower
    predicted probability of harm (ties count half). Columns predicted_dice_coarse, predicted_dice_sam and predicted_harm. A model without a quality head logs none of it; images in which SAM wasn't asked are left out.
    """

    needs = (OverlapMeasure,)

    def measure(self, case: Case) -> dict[str, object]:
        """Returns the predictions where the sample has them."""
        predicted = case.sample.get("predicted_dice")
        if predicted is None:
            return {}
        columns = {f"predicted_dice_{name}": float(value) for name, value in zip(NAMES, predicted)}
        return {**columns, "predicted_harm": float(case.sample["predicted_harm"])}

    def summarise(self, rows: Sequence[Row]) -> dict[str, float]:
        """Returns the metrics named above, those that can be said."""
        known = _known(rows)
        summary = {}
        for name in NAMES:
            own = [row for row in known if row.get(f"{name}_dice") is not None]
            predicted, real = (np.array([row[column] for row in own]) for column in _columns(name))
            correlation = rank_correlation(predicted, real)
            if correlation is not None:
                summary[f"quality/dice_spearman_{name}"] = correlation
            if len(own) and name == "sam":
                summary["quality/dice_mae_sam"] = float(np.abs(predicted - real).mean())
        changed = [row for row in known if row.get("delta_dice") is not None]
        safety = np.array([1 - row["predicted_harm"] for row in changed])
        differences = np.array([row["delta_dice"] for row in changed])
        auc = helped_before_harmed(safety, differences)
        if auc is not None:
            summary["quality/harm_auc"] = auc
        return summary

    def notes(self, rows: Sequence[Row]) -> list[str]:
        """Says all of it in a line."""
        summary = self.summarise(rows)
        words = {
            "dice_spearman_coarse": "Spearman {:.2f} (coarse)",
            "dice_spearman_sam": "Spearman {:.2f} (SAM)",
            "dice_mae_sam": "mean error {:.3f} (SAM)",
            "harm_auc": "predicted harm tells helped from harmed images with an AUC of {:.2f}",
        }
        said = [text.format(summary[f"quality/{name}"]) for name, text in words.items() if f"quality/{name}" in summary]
        if not said:
            return []
        return [
            f"Dice that the quality head predicts against the real one, {len(_known(rows))} of {len(rows)} images: {', '.join(said)}"
        ]


def helped_before_harmed(scores: np.ndarray, differences: np.ndarray, change: float = CHANGE) -> float | None:
    """Area under the ROC curve of a score that tells helped from harmed images; None where there is none of either.

    Args:
        scores: (N,), the higher, the more refinement is expected to help.
        differences: (N,), Dice after minus Dice before; images that change by at most `change` don't count.
        change: by how much Dice must change.
    """
    helped, harmed = scores[differences > change], scores[differences < -change]
    if not len(helped) or not len(harmed):
        return None
    above = (helped[:, None] > harmed).mean() + 0.5 * (helped[:, None] == harmed).mean()
    return float(above)


def _known(rows: Sequence[Row]) -> list[Row]:
    return [row for row in rows if row.get("predicted_dice_sam") is not None]


def _columns(name: str) -> tuple[str, str]:
    return f"predicted_dice_{name}", f"{name}_dice"
