"""The box of the second place at which the coarse network suspects a lesion."""

import torch
from torch import Tensor
from torch.nn import functional as F

from ultraref.errors import UserError
from ultraref.models.proposals.base import BaseProposal, Proposals, boxes_around, heaviest_component
from ultraref.models.sam import ImageEmbedding
from ultraref.registry import PROPOSALS


@PROPOSALS.register_module()
class SecondModeProposal(BaseProposal):
    """The box of the heaviest component of {p > threshold} that lies apart from the heaviest component of {p > 0.5}.

    Where a coarse mask is at the wrong place, the right one is often its second choice, too weak to be drawn.

    Args:
        threshold: probability from which on a place is suspected, in (0, 1).
        gap: pixels, as a share of the frame's side, by which it must lie apart.
        min_area: least area, as a share of the frame.
        margin: growth of the box on each side, as a share of that side.

    Raises:
        UserError: an argument is out of range.
    """

    def __init__(self, threshold: float = 0.15, gap: float = 0.02, min_area: float = 0.001, margin: float = 0.1):
        super().__init__()
        if not (0 < threshold < 1 and 0 <= gap < 0.5 and 0 <= min_area < 1 and margin >= 0):
            raise UserError(
                f"SecondModeProposal: threshold={threshold}, gap={gap}, min_area={min_area}, margin={margin}; threshold must lie in (0, 1), "
                "gap in [0, 0.5), min_area in [0, 1), and margin must not be negative"
            )
        self.threshold, self.gap, self.min_area, self.margin = threshold, gap, min_area, margin

    @torch.no_grad()
    def forward(self, coarse_prob: Tensor, embedding: ImageEmbedding) -> Proposals:
        """See the base class."""
        prob = coarse_prob.float()
        side = prob.shape[-1]
        first = heaviest_component(prob > 0.5, prob).float()
        reach = round(self.gap * side)
        near = F.max_pool2d(first, 2 * reach + 1, stride=1, padding=reach) > 0
        second = heaviest_component((prob > self.threshold) & ~near, prob)
        area = second.flatten(1).sum(dim=1)
        there = ((area > 0) & (area >= self.min_area * prob.shape[-2] * side)).nonzero()[:, 0]
        return Proposals(there, boxes_around(second[there], self.margin))
