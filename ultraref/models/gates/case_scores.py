"""Scores of a case, by which a gate decides whether SAM's mask is taken over at all.

A score is a function (coarse_prob, sam_prob, facts) -> (B,): p and q are (B, 1, H, W) in [0, 1], facts the `CaseFacts` of the batch.
The higher, the more SAM's mask is to be trusted; what isn't known of a case is NaN. A score of one's own is an entry of
CASE_SCORES, which a module of `custom_imports` may add.
"""

from collections.abc import Callable

from torch import Tensor

from ultraref.errors import UserError
from ultraref.models.gates.base import CaseFacts
from ultraref.models.quality import COARSE, HARM, SAM_MASK


def agreement(coarse_prob: Tensor, sam_prob: Tensor, facts: CaseFacts | None = None) -> Tensor:
    """IoU of {q > 0.5} and {p > 0.5}, (B,) float32 in [0, 1]; 1 where both are empty."""
    sam, coarse = (sam_prob > 0.5).flatten(1), (coarse_prob > 0.5).flatten(1)
    return overlap_ratio((sam & coarse).sum(dim=1), (sam | coarse).sum(dim=1))


def predicted_iou(coarse_prob: Tensor, sam_prob: Tensor, facts: CaseFacts) -> Tensor:
    """The IoU that SAM predicts of its own mask, (B,) float; NaN where SAM was not asked."""
    return facts.predicted_iou


def quality(coarse_prob: Tensor, sam_prob: Tensor, facts: CaseFacts | None) -> Tensor:
    """The Dice that the quality head predicts of SAM's mask, (B,) float in [0, 1]; NaN where SAM was not asked."""
    return _predictions(facts, "quality")[:, SAM_MASK]


def gain(coarse_prob: Tensor, sam_prob: Tensor, facts: CaseFacts | None) -> Tensor:
    """The Dice that the quality head predicts of SAM's mask, minus that of the coarse one, (B,) float in [-1, 1]; NaN as above."""
    predicted = _predictions(facts, "gain")
    return predicted[:, SAM_MASK] - predicted[:, COARSE]


def safety(coarse_prob: Tensor, sam_prob: Tensor, facts: CaseFacts | None) -> Tensor:
    """1 minus the probability of harm that the quality head predicts, (B,) float in [0, 1]; NaN as above."""
    return 1 - _predictions(facts, "safety")[:, HARM]


def opinion(coarse_prob: Tensor, sam_prob: Tensor, facts: CaseFacts | None) -> Tensor:
    """IoU of {q > 0.5} and the mask of a second coarse network, (B,) float32 in [0, 1]; 1 where both are empty.

    SAM was asked around the first network's mask, so that the two agree even where both are wrong; the second doesn't know either.
    """
    if facts is None or facts.opinion is None:
        raise UserError(
            "model.gate has the score 'opinion', which a second coarse network gives, and the model has none; set model.opinion, see "
            "configs/ablations/gates/gate_opinion.py"
        )
    return agreement(facts.opinion, sam_prob)


def _predictions(facts: CaseFacts | None, score: str) -> Tensor:
    if facts is None or facts.quality is None:
        raise UserError(
            f"model.gate has the score {score!r}, which a quality head gives, and the refiner has none; set "
            "model.refiner.quality_head=dict(type='QualityHead'), see configs/ablations/quality/quality_head.py"
        )
    return facts.quality.detach()


def overlap_ratio(both: Tensor, either: Tensor) -> Tensor:
    """Returns `both` / `either`, numbers of pixels, as float32; 1 where there is no pixel in either."""
    return (both.float() / either.clamp(min=1)).masked_fill(either == 0, 1.0)


CASE_SCORES: dict[str, Callable[[Tensor, Tensor, CaseFacts | None], Tensor]] = {
    "agreement": agreement,
    "predicted_iou": predicted_iou,
    "quality": quality,
    "gain": gain,
    "safety": safety,
    "opinion": opinion,
}
