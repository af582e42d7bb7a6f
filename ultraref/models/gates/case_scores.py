"""Scores of a case, by which a gate decides whether SAM's mask is taken over at all.

A score is a function (coarse_prob, sam_prob, facts) -> (B,): p and q are (B, 1, H, W) in [0, 1], facts the `CaseFacts` of the batch.
The higher, the more SAM's mask is to be trusted; what isn't known of a case is NaN. A score of one's own is an entry of
CASE_SCORES, which a module of `custom_imports` may add.
"""

from collections.abc import Callable

from torch import Tensor

from ultraref.models.gates.base import CaseFacts


def agreement(coarse_prob: Tensor, sam_prob: Tensor, facts: CaseFacts | None = None) -> Tensor:
    """IoU of {q > 0.5} and {p > 0.5}, (B,) float32 in [0, 1]; 1 where both are empty."""
    sam, coarse = (sam_prob > 0.5).flatten(1), (coarse_prob > 0.5).flatten(1)
    return overlap_ratio((sam & coarse).sum(dim=1), (sam | coarse).sum(dim=1))


def predicted_iou(coarse_prob: Tensor, sam_prob: Tensor, facts: CaseFacts) -> Tensor:
    """The IoU that SAM predicts of its own mask, (B,) float; NaN where SAM was not asked."""
    return facts.predicted_iou


def overlap_ratio(both: Tensor, either: Tensor) -> Tensor:
    """Returns `both` / `either`, numbers of pixels, as float32; 1 where there is no pixel in either."""
    return (both.float() / either.clamp(min=1)).masked_fill(either == 0, 1.0)


CASE_SCORES: dict[str, Callable[[Tensor, Tensor, CaseFacts | None], Tensor]] = {
    "agreement": agreement,
    "predicted_iou": predicted_iou,
}
