"""What a quality head is shown of a refiner's work: whole cases, and single candidates."""

import torch
from torch import Tensor
from torch.nn import functional as F

from ultraref.models.quality import SAM_MASK, BaseQualityHead, CaseEvidence
from ultraref.models.sam import mean_over_decodings, mean_predicted_iou


def judge_cases(
    head: BaseQualityHead,
    coarse_prob: Tensor,
    sam_prob: Tensor,
    features: Tensor,
    candidate_iou: Tensor,
    stability: Tensor,
    rows: Tensor,
    content: Tensor | None,
) -> Tensor:
    """Predicts the Dice of the coarse masks and of SAM's, and the probability of harm.

    Args:
        head: a quality head.
        coarse_prob: (B, 1, S, S) p in [0, 1].
        sam_prob: (B, 1, S, S) q in [0, 1].
        features: (B, C, e, e) SAM's embedding over the same frame.
        candidate_iou: (N, K) predicted IoU of each decoding's candidates.
        stability: (N,) of each decoding, see `box_stability`.
        rows: (N,) long, the image of each decoding.
        content: (B, 1, S, S) bool; None where all is image.

    Returns:
        (B, 3), see `BaseQualityHead`, with a gradient into the head alone; NaN where an image has no decoding.
    """
    predicted_iou = mean_predicted_iou(candidate_iou.float(), rows, len(coarse_prob))
    evidence = CaseEvidence(
        coarse_prob.detach(),
        sam_prob.detach(),
        features.detach(),
        predicted_iou,
        mean_over_decodings(stability, rows, len(coarse_prob)).nan_to_num(1.0),
        content,
    )
    return torch.where(predicted_iou.isnan()[:, None], torch.nan, head(evidence))


@torch.no_grad()
def judge_candidates(
    head: BaseQualityHead, logits: Tensor, iou: Tensor, prob: Tensor, features: Tensor, content: Tensor | None
) -> Tensor:
    """Predicts the Dice of each of SAM's candidates.

    Args:
        head: a quality head.
        logits: (N, K, m, m) candidates, in the frame that SAM saw.
        iou: (N, K) their predicted IoU.
        prob: (N, 1, S, S) p in that frame.
        features: (N, C, e, e) SAM's embedding.
        content: (N, 1, S, S) bool; None where all is image.

    Returns:
        (N, K) in [0, 1].
    """
    count, kinds, side, _ = logits.shape
    rows = torch.arange(count, device=logits.device).repeat_interleave(kinds)
    small = F.interpolate(prob, (side, side), mode="area")
    if content is not None:
        content = F.interpolate(content.float(), (side, side), mode="nearest-exact")[rows] > 0
    evidence = CaseEvidence(
        small[rows],
        logits.float().sigmoid().flatten(0, 1)[:, None],
        features[rows],
        iou.float().flatten(),
        torch.ones(count * kinds, device=logits.device),
        content,
    )
    return head(evidence)[:, SAM_MASK].view(count, kinds)
