"""Do no harm: what refinement does to single images, beside the mean."""

from collections.abc import Sequence

import numpy as np

from ultraref.evaluation.case import Case
from ultraref.evaluation.metrics.base import BaseMeasure, Row
from ultraref.evaluation.metrics.overlap import OverlapMeasure
from ultraref.evaluation.statistics import bootstrap_means, percentile_interval, resampling_of
from ultraref.registry import METRICS

# By how much Dice must change to count as harm or help: one point, and five.
CHANGE, LARGE_CHANGE = 0.01, 0.05


@METRICS.register_module()
class ChangeMeasure(BaseMeasure):
    """Shares of images that refinement harms and helps, the worst of all, intervals, and a score that weighs gain against harm.

    Logged as delta/harmed, harmed_5, helped, helped_5, worst (`case_changes`), delta/dice_ci95_low, dice_ci95_high and the same of
    harmed and harmed_5 (95 % bootstrap intervals), and delta/score = mean difference of Dice - harm_weight * harmed. The checkpoint hook
    selects by it with `save_best="val_delta/score"`. A model without refinement logs none of it.

    Args:
        harm_weight: of the share harmed in the score. At 0.1, ten percent harmed weigh as much as one point of mean Dice.
    """

    needs = (OverlapMeasure,)

    def __init__(self, harm_weight: float = 0.1):
        self.harm_weight = harm_weight

    def measure(self, case: Case) -> dict[str, object]:
        """Returns nothing: it reads the column delta_dice."""
        return {}

    def summarise(self, rows: Sequence[Row]) -> dict[str, float]:
        """Returns the metrics named above."""
        differences = [row["delta_dice"] for row in rows if row.get("delta_dice") is not None]
        if not differences:
            return {}
        values = np.asarray(differences)
        summary = case_changes(values)
        summary["score"] = float(values.mean()) - self.harm_weight * summary["harmed"]
        columns = {"dice": values, "harmed": values < -CHANGE, "harmed_5": values < -LARGE_CHANGE}
        units = resampling_of([row for row in rows if row.get("delta_dice") is not None])
        means = bootstrap_means(np.stack(list(columns.values()), axis=1).astype(float), groups=units.groups)
        for place, name in enumerate(columns):
            interval = percentile_interval(means[:, place], units.count)
            summary[f"{name}_ci95_low"], summary[f"{name}_ci95_high"] = interval
        return {f"delta/{name}": value for name, value in summary.items()}

    def notes(self, rows: Sequence[Row]) -> list[str]:
        """Says all of it in two lines."""
        summary = {name.removeprefix("delta/"): value for name, value in self.summarise(rows).items()}
        if not summary:
            return []
        known = [row for row in rows if row.get("delta_dice") is not None]
        mean, units = float(np.mean([row["delta_dice"] for row in known])), resampling_of(known)
        percent = {name: f"{100 * value:.1f}" for name, value in summary.items()}
        return [
            f"Dice difference {mean:+.4f}, 95 % bootstrap interval {summary['dice_ci95_low']:+.4f} to "
            f"{summary['dice_ci95_high']:+.4f}, {units} resampled{units.warning}",
            f"Dice falls by more than 0.01 in {percent['harmed']} % of the images ({percent['harmed_ci95_low']} to "
            f"{percent['harmed_ci95_high']}) and by more than 0.05 in {percent['harmed_5']} % ({percent['harmed_5_ci95_low']} to "
            f"{percent['harmed_5_ci95_high']}); it rises so in {percent['helped']} % and {percent['helped_5']} %; "
            f"worst {summary['worst']:+.4f}",
        ]


def case_changes(differences: Sequence[float]) -> dict[str, float]:
    """Returns the shares of images that are harmed and helped, and the lowest difference of Dice.

    Args:
        differences: Dice after minus Dice before, of each image.

    Returns:
        `harmed`, `harmed_5`: shares of images that fall by more than 0.01 and 0.05; `helped`, `helped_5`: that rise by more; `worst`:
        the lowest difference, -0.25 being a fall by 0.25.
    """
    values = np.asarray(differences)
    return {
        "harmed": float(np.mean(values < -CHANGE)),
        "harmed_5": float(np.mean(values < -LARGE_CHANGE)),
        "helped": float(np.mean(values > CHANGE)),
        "helped_5": float(np.mean(values > LARGE_CHANGE)),
        "worst": float(values.min()),
    }
