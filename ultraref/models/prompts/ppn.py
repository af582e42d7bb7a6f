"""The point predictor of SAM2Rad (PPN): points and their labels, from SAM's image embedding."""

from dataclasses import dataclass

import torch
from torch import Tensor

from ultraref.errors import UserError
from ultraref.models.precision import at_least_float32, full_precision
from ultraref.models.prompts.base import BasePromptPredictor
from ultraref.models.prompts.ppn_heads import GlobalAverageHead, HeatmapHead
from ultraref.registry import PROMPT_PREDICTORS
from ultraref.structures import Prompts

HEADS = {"heatmap": HeatmapHead, "gap": GlobalAverageHead}


@dataclass(frozen=True)
class PredictedPoints(Prompts):
    """Prompts of a point predictor, with what its label loss needs.

    Attributes:
        label_logits: (B, N) float; `labels` is their sigmoid, or its rounding.
    """

    label_logits: Tensor | None = None


@PROMPT_PREDICTORS.register_module()
class PPN(BasePromptPredictor):
    """Predicts N points with a label each (reference of SAM2Rad, step 2).

    Args:
        embed_dim: C, channels of SAM's image embedding. `SAM2RadSegmentor` fills it in.
        num_points: N. The layouts of `GroundTruthPoints` have 7.
        head: "heatmap" takes the soft-argmax of a heat map a point; "gap" is the reference's global average.
        hidden_dim: channels within the head.
        labels: "soft" hands SAM the probability of "in the lesion", for which its prompt encoder mixes the embeddings
            of both kinds of point, so that the mask loss trains the labels too; "hard" rounds it, which gives the
            labels no gradient but that of their own loss.

    Raises:
        ValueError: an option is not known.
    """

    kinds = frozenset({"points"})

    def __init__(
        self,
        embed_dim: int = 256,
        num_points: int = 7,
        head: str = "heatmap",
        hidden_dim: int = 128,
        labels: str = "soft",
    ):
        super().__init__()
        if head not in HEADS:
            raise UserError(f"PPN: head is {head!r}; it must be one of {', '.join(HEADS)}")
        if labels not in ("soft", "hard"):
            raise UserError(f"PPN: labels is {labels!r}; it must be 'soft' or 'hard'")
        self.head = HEADS[head](embed_dim, num_points, hidden_dim)
        self.labels = labels

    def predict(self, embedding: Tensor, image_size: int) -> Tensor:
        """(B, C, h, w) -> (B, N, 3): x and y in pixel-index units of SAM's input, [0, S-1], and the label's logit."""
        share, logits = self.head(embedding)
        return torch.cat([to_pixels(share, image_size), at_least_float32(logits).unsqueeze(-1)], dim=-1)

    def forward(self, embedding: Tensor, image_size: int, mask_size: int) -> PredictedPoints:
        """Returns `points` (B, N, 2), `labels` (B, N) and `label_logits` (B, N). See the base class."""
        predicted = self.predict(embedding, image_size)
        points, logits = predicted[..., :2], predicted[..., 2]
        labels = logits.sigmoid() if self.labels == "soft" else (logits > 0).to(logits.dtype)
        return PredictedPoints(points=points, labels=labels, label_logits=logits)


@full_precision
def to_pixels(share: Tensor, size: int) -> Tensor:
    """Maps shares of the frame to pixel-index units: 0 is the frame's edge, -0.5, and values are kept in [0, S-1]."""
    return (share * size - 0.5).clamp(0, size - 1)
