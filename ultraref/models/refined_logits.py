"""The logits of the refined probability, for a loss: where SAM is sure and wrong, the probability has no gradient left."""

import torch
from torch import Tensor
from torch.nn import functional as F

from ultraref.models.precision import full_precision

# Of a probability without logits: further out the gradient through it, 1 / p, would be without bound.
EPS = 1e-6
# A gate this near to one of its ends counts as the end, for the same reason.
GATE_EPS = 1e-4
# Logarithm of a share that is nothing.
NOTHING = -1e4


@full_precision
def refined_logits(
    coarse_prob: Tensor,
    sam_prob: Tensor,
    gate: Tensor,
    sam_logits: Tensor | None = None,
    from_logits: Tensor | None = None,
) -> Tensor:
    """Returns log(r / (1 - r)) of r = lerp(p, q, gate), with q's own logits where there are any.

    Computed from the logarithms of both classes, log((1 - g) p + g q) and log((1 - g)(1 - p) + g (1 - q)), so that nothing rounds to
    0 or 1 on the way. With a gate of 1 this is q's logit, and a BCE of it has the gradient sigmoid(z) - t whatever z is.

    Args:
        coarse_prob: (B, 1, S, S) p in [0, 1].
        sam_prob: (B, 1, S, S) q in [0, 1].
        gate: (B, 1, S, S) or a shape that broadcasts to it, in [0, 1].
        sam_logits: (B, 1, S, S), whose sigmoid q is where `from_logits` is True; None where q has none.
        from_logits: (B, 1, S, S) bool.

    Returns:
        (B, 1, S, S) float. p, and q where it has no logits, count as at least 1e-6 and at most 1 - 1e-6.
    """
    sam = _logit(sam_prob)
    if sam_logits is not None:
        sam = torch.where(from_logits.bool(), sam_logits, sam)
    coarse = _logit(coarse_prob)
    inner = gate.clamp(GATE_EPS, 1 - GATE_EPS)
    log_coarse_share = torch.where(gate > 1 - GATE_EPS, NOTHING, torch.log1p(-inner))
    log_sam_share = torch.where(gate < GATE_EPS, NOTHING, inner.log())
    lesion, background = (
        torch.logaddexp(log_coarse_share + F.logsigmoid(sign * coarse), log_sam_share + F.logsigmoid(sign * sam))
        for sign in (1, -1)
    )
    return lesion - background


def _logit(prob: Tensor) -> Tensor:
    return prob.clamp(EPS, 1 - EPS).logit()
