"""What proposes further boxes, and what they share."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ultraref.models.mask_components import label_components
from ultraref.models.prompts.component_box import tight_box
from ultraref.models.sam import SAM, ImageEmbedding


@dataclass(frozen=True)
class Proposals:
    """Boxes of M proposals.

    Attributes:
        rows: (M,) long, the image that each is of.
        boxes: (M, 4) float32 xyxy in pixel-index units of p's frame, within it.
    """

    rows: Tensor
    boxes: Tensor


class BaseProposal(nn.Module, ABC):
    """Contract: `Proposals` without a gradient, at most a few an image, none where nothing suggests one.

    The proposals of an image don't depend on the others of the batch.
    """

    @abstractmethod
    def forward(self, coarse_prob: Tensor, embedding: ImageEmbedding) -> Proposals:
        """Returns the proposals.

        Args:
            coarse_prob: (B, 1, S, S) float in [0, 1], p in SAM's frame.
            embedding: SAM's, of the whole images.
        """

    def check_sam(self, sam: SAM) -> None:
        """Raises `UserError` where it can't read the embeddings of this SAM. Called before each batch, by default of no effect."""


def boxes_around(mask: Tensor, margin: float) -> Tensor:
    """Returns the boxes of masks (M, 1, H, W) bool, grown on each side by a share of that side, within the frame: (M, 4) float32."""
    box = tight_box(mask)
    sides = (box[:, 2:] - box[:, :2] + 1).repeat(1, 2)
    grown = box + box.new_tensor([-1, -1, 1, 1]) * margin * sides
    upper = box.new_tensor([mask.shape[3] - 1, mask.shape[2] - 1] * 2)
    return torch.minimum(grown.clamp(min=0), upper)


def heaviest_component(mask: Tensor, prob: Tensor) -> Tensor:
    """Returns of each mask (B, 1, H, W) bool the component in which `prob`, of the same shape, has the greatest sum; nothing of none."""
    labels = label_components(mask).flatten(1)
    sums = prob.new_zeros(len(labels), labels.shape[1] + 1).scatter_add(1, labels, prob.flatten(1) * mask.flatten(1))
    heaviest = sums.argmax(dim=1, keepdim=True)
    return ((labels == heaviest) & mask.flatten(1)).view_as(mask)
