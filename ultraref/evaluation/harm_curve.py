"""What a score is worth that decides, case by case, whether refinement is taken: coverage against harm and gain."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ultraref.errors import UserError
from ultraref.evaluation.metrics import CHANGE

# Score -> (columns of the table of cases that it needs, the score of a row).
SCORES: dict[str, tuple[tuple[str, ...], Callable[[Mapping], float]]] = {
    "safety": (("predicted_harm",), lambda row: 1 - row["predicted_harm"]),
    "gain": (
        ("predicted_dice_sam", "predicted_dice_coarse"),
        lambda row: row["predicted_dice_sam"] - row["predicted_dice_coarse"],
    ),
    "quality": (("predicted_dice_sam",), lambda row: row["predicted_dice_sam"]),
    "agreement": (("agreement",), lambda row: row["agreement"]),
    "opinion": (("opinion",), lambda row: row["opinion"]),
    "predicted_iou": (("predicted_iou",), lambda row: row["predicted_iou"]),
    "consistency": (("consistency",), lambda row: row["consistency"]),
    "oracle": (("delta_dice",), lambda row: row["delta_dice"]),
}


@dataclass(frozen=True)
class HarmCurve:
    """Cases accepted one after another, that of the highest score first; the others keep their coarse mask.

    Attributes:
        coverage: (n + 1,) share of the cases accepted, 0 to 1.
        harmed: (n + 1,) share of all cases that are accepted and fall by more than 0.01 Dice.
        gain: (n + 1,) mean change of Dice over all cases.
    """

    coverage: np.ndarray
    harmed: np.ndarray
    gain: np.ndarray

    def best_within(self, limit: float) -> tuple[float, float, float]:
        """Returns (coverage, harmed, gain) where the gain is greatest with at most `limit` harmed."""
        allowed = np.flatnonzero(self.harmed <= limit)
        place = allowed[self.gain[allowed].argmax()]
        return float(self.coverage[place]), float(self.harmed[place]), float(self.gain[place])


def harm_curve(rows: Sequence[Mapping], score: str) -> HarmCurve:
    """Returns the curve of a score over a table of cases.

    Cases of the same score are accepted in the order of harm, so that a tie never flatters. Cases without the score (SAM wasn't asked) come last.

    Args:
        rows: the table of cases of a test in which every case was refined, see `read_cases`.
        score: one of SCORES; "oracle" knows the truth.

    Raises:
        UserError: there is no such score, or the table doesn't have its columns.
    """
    if score not in SCORES:
        raise UserError(f"score is {score!r}; it must be one of {', '.join(SCORES)}")
    columns, of = SCORES[score]
    missing = [column for column in (*columns, "delta_dice") if all(row.get(column) is None for row in rows)]
    if missing:
        raise UserError(
            f"the score {score!r} needs the column {missing[0]}, which the table of cases lacks; test a recipe that has it, such as "
            "configs/ablations/quality/quality_head.py for predicted Dice"
        )
    known = [all(row.get(column) is not None for column in columns) for row in rows]
    scores = np.array([of(row) if there else -np.inf for row, there in zip(rows, known)])
    changes = np.array([row["delta_dice"] or 0.0 for row in rows])
    order = np.lexsort((changes, -scores))
    count = len(rows)
    accepted = np.arange(count + 1) / count
    harmed = np.concatenate([[0], np.cumsum(changes[order] < -CHANGE)]) / count
    gain = np.concatenate([[0], np.cumsum(changes[order])]) / count
    return HarmCurve(accepted, harmed, gain)


def available_scores(rows: Sequence[Mapping]) -> list[str]:
    """Returns the scores that a table of cases has the columns of."""
    return [
        name
        for name, (columns, _) in SCORES.items()
        if all(any(row.get(column) is not None for row in rows) for column in columns)
    ]
