"""Gate from the agreement of SAM with the coarse mask, or another score of the case."""

import torch
from torch import Tensor

from ultraref.errors import UserError
from ultraref.models.gates.base import BaseGate, CaseFacts, apply_gate
from ultraref.models.gates.case_scores import CASE_SCORES, overlap_ratio
from ultraref.models.mask_components import label_components
from ultraref.models.precision import at_least_float32, full_precision
from ultraref.registry import GATES


@GATES.register_module()
class AgreementGate(BaseGate):
    """sigmoid((IoU - tau) / width) * gate_max, with the IoU of the masks {q > 0.5} and {p > 0.5}.

    Where SAM contradicts the coarse network more than an outline can be off, it has mostly found something else in its box.

    Gradients: the IoU of two masks is a number of pixels over another, so its derivative is 0. Forward takes it as it is; backward takes
    the derivative of the soft IoU (sum of p q + 1) / (sum of p + q - p q + 1), the straight-through estimator.

    Another score may take the IoU's place, such as the Dice that a quality head predicts of SAM's mask ("quality"), or by how much that
    is above the coarse mask's ("gain"). It has no gradient; where it isn't known the gate is 0.

    Args:
        tau: IoU, or score, at which the gate is half open, in [0, 1], or [-1, 1] for "gain".
        width: of the sigmoid, above 0.
        gate_max: greatest gate, in [0, 1].
        by: "case" takes one IoU of an image's whole masks; "component" one for each connected part of the two masks' union, so that a coarse
            component is judged with all that SAM makes of it, what SAM alone sees is left out, and components that SAM joins are
            judged as one. Outside of the union, where either mask is background, it is the case's gate.
        gate: config of a gate that is multiplied by this one, such as an `UncertaintyGate`; None multiplies by nothing.
        score: "agreement", or another of `ultraref.models.gates.case_scores.CASE_SCORES`, which goes by case.

    Raises:
        UserError: an argument is out of range.
    """

    def __init__(
        self,
        tau: float = 0.7,
        width: float = 0.05,
        gate_max: float = 1.0,
        by: str = "case",
        gate: dict | None = None,
        score: str = "agreement",
    ):
        super().__init__()
        if score not in CASE_SCORES:
            raise UserError(f"AgreementGate: score is {score!r}; it must be one of {', '.join(CASE_SCORES)}")
        least = -1 if score == "gain" else 0
        if not (least <= tau <= 1 and width > 0 and 0 <= gate_max <= 1):
            raise UserError(
                f"AgreementGate: tau={tau}, width={width}, gate_max={gate_max}, but tau must lie in [{least}, 1], "
                "gate_max in [0, 1], and width must be above 0"
            )
        if by not in ("case", "component"):
            raise UserError(f"AgreementGate: by is {by!r}; it must be 'case' or 'component'")
        if by == "component" and score != "agreement":
            raise UserError(f"AgreementGate: by is 'component', but the score {score!r} is of a case; set by='case'")
        self.tau, self.width, self.gate_max, self.by, self.score = tau, width, gate_max, by, score
        self.reads_facts = score != "agreement"
        self.gate = None if gate is None else GATES.build(gate)
        if self.gate is not None:
            self.feature_channels = self.gate.feature_channels
            self.reads_facts = self.reads_facts or self.gate.reads_facts

    def forward(
        self,
        coarse_prob: Tensor,
        sam_prob: Tensor,
        features: Tensor | None = None,
        facts: CaseFacts | None = None,
    ) -> Tensor:
        """See the base class."""
        opened = (
            self._opened(coarse_prob, sam_prob)
            if self.score == "agreement"
            else self._by_score(coarse_prob, sam_prob, facts)
        )
        if self.gate is None:
            return opened
        return opened * apply_gate(self.gate, coarse_prob, sam_prob, features, facts)

    @full_precision
    def _opened(self, coarse_prob: Tensor, sam_prob: Tensor) -> Tensor:
        whole = torch.zeros_like(coarse_prob, dtype=torch.long)
        iou = region_iou(coarse_prob, sam_prob, whole)
        if self.by == "component":
            regions = label_components((coarse_prob > 0.5) | (sam_prob > 0.5))
            iou = torch.where(regions > 0, region_iou(coarse_prob, sam_prob, regions), iou)
        return torch.sigmoid((iou - self.tau) / self.width) * self.gate_max

    @torch.no_grad()
    def _by_score(self, coarse_prob: Tensor, sam_prob: Tensor, facts: CaseFacts | None) -> Tensor:
        score = CASE_SCORES[self.score](coarse_prob, sam_prob, facts).to(at_least_float32(coarse_prob).dtype)
        opened = (torch.sigmoid((score - self.tau) / self.width) * self.gate_max).nan_to_num(0.0)
        return opened[:, None, None, None].expand_as(coarse_prob)


def region_iou(coarse_prob: Tensor, sam_prob: Tensor, regions: Tensor) -> Tensor:
    """IoU of {q > 0.5} and {p > 0.5} within the region of each pixel, with the gradient of the soft IoU.

    Args:
        coarse_prob: (B, 1, H, W) p in [0, 1].
        sam_prob: (B, 1, H, W) q in [0, 1].
        regions: (B, 1, H, W) long from 0 to H W, the same within a region of an image.

    Returns:
        (B, 1, H, W) in [0, 1]; 1 where neither mask has a pixel in the region.
    """
    coarse, sam, labels = (tensor.flatten(1) for tensor in (coarse_prob, sam_prob, regions))
    both, either = (_sums(part.to(coarse.dtype), labels) for part in _overlap(coarse > 0.5, sam > 0.5))
    hard = overlap_ratio(both, either).to(coarse.dtype)
    shared = coarse * sam
    soft = (_sums(shared, labels) + 1) / (_sums(coarse + sam - shared, labels) + 1)
    # The second term is 0 exactly, and carries the gradient alone.
    iou = hard + (soft - soft.detach())
    return iou.gather(1, labels).view_as(coarse_prob)


def _overlap(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    return first & second, first | second


def _sums(values: Tensor, labels: Tensor) -> Tensor:
    """Sums (B, H W) within the regions: (B, 1 + H W), a column a label."""
    return values.new_zeros(values.shape[0], values.shape[1] + 1).scatter_add(1, labels, values)
