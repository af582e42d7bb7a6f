"""Boxes of the coarse mask at other thresholds."""

from collections.abc import Sequence

import torch
from torch import Tensor

from ultraref.errors import UserError
from ultraref.models.proposals.base import BaseProposal, Proposals, boxes_around, heaviest_component
from ultraref.models.sam import ImageEmbedding
from ultraref.registry import PROPOSALS


@PROPOSALS.register_module()
class ThresholdProposal(BaseProposal):
    """The box of the heaviest component of {p > t} for each threshold t: what the lesion is if the network was too bold, or too shy.

    Args:
        thresholds: each in (0, 1). 0.5 is the coarse mask's own, and asks nothing new.
        margin: growth of a box on each side, as a share of that side.

    Raises:
        UserError: a threshold or the margin is out of range.
    """

    def __init__(self, thresholds: Sequence[float] = (0.25, 0.75), margin: float = 0.05):
        super().__init__()
        if not thresholds or not all(0 < threshold < 1 for threshold in thresholds) or margin < 0:
            raise UserError(
                f"ThresholdProposal: thresholds={tuple(thresholds)}, margin={margin}; thresholds must lie in (0, 1), and margin must not be "
                "negative"
            )
        self.thresholds, self.margin = tuple(thresholds), margin

    @torch.no_grad()
    def forward(self, coarse_prob: Tensor, embedding: ImageEmbedding) -> Proposals:
        """See the base class."""
        prob = coarse_prob.float()
        rows, boxes = [], []
        for threshold in self.thresholds:
            component = heaviest_component(prob > threshold, prob)
            there = component.flatten(1).any(dim=1).nonzero()[:, 0]
            rows.append(there)
            boxes.append(boxes_around(component[there], self.margin))
        return Proposals(torch.cat(rows), torch.cat(boxes))
