"""What decides, pixel by pixel, how much of the refinement is taken over."""

from abc import ABCMeta, abstractmethod
from dataclasses import dataclass

from torch import Tensor, nn


@dataclass(frozen=True)
class CaseFacts:
    """What is known of each case of a batch beside p, q and the image.

    Attributes:
        predicted_iou: (B,) float, the IoU that SAM predicts of its mask; NaN where SAM was not asked.
        quality: (B, 3) float, what a quality head predicts: Dice of the coarse mask and of SAM's, and the probability of harm; NaN where SAM
            was not asked.
            None where the refiner has no quality head.
        opinion: (B, 1, H, W) float in [0, 1], what a second coarse network says of the image, in q's frame; None where the model has none.
    """

    predicted_iou: Tensor
    quality: Tensor | None = None
    opinion: Tensor | None = None


class BaseGate(nn.Module, metaclass=ABCMeta):
    """Gives the weight g of SAM's probability q against the coarse p: refined = lerp(p, q, g).

    Contract: g has the shape of p, lies in [0, 1], is at least float32, and has finite gradients for every p and q in
    [0, 1]; in eval mode a sample's gate doesn't depend on the rest of the batch.

    Attributes:
        feature_channels: channels of the image features that the gate reads, 0 for a gate that reads none.
        reads_facts: whether `forward` takes a further keyword `facts`, the `CaseFacts` of the batch. Gates that decide by p, q and
            features alone leave it at False and don't take it.
    """

    feature_channels: int = 0
    reads_facts: bool = False

    @abstractmethod
    def forward(self, coarse_prob: Tensor, sam_prob: Tensor, features: Tensor | None = None) -> Tensor:
        """Computes the gate.

        Args:
            coarse_prob: (B, 1, H, W) p in [0, 1], in q's frame.
            sam_prob: (B, 1, H, W) q in [0, 1].
            features: (B, F, h, w) image features that cover the same frame at any resolution, F being
                `feature_channels`; not used by a gate with `feature_channels` 0.

        Returns:
            (B, 1, H, W) in [0, 1].
        """


def apply_gate(
    gate: BaseGate, coarse_prob: Tensor, sam_prob: Tensor, features: Tensor | None, facts: CaseFacts | None
) -> Tensor:
    """Calls a gate with the facts of the cases, if it reads them. Arguments and result: see `BaseGate.forward`."""
    more = {"facts": facts} if gate.reads_facts else {}
    return gate(coarse_prob, sam_prob, features, **more)
