"""What a quality head takes and gives."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor, nn

# Places in what a quality head gives: Dice of the coarse mask, Dice of SAM's, and the probability of harm.
COARSE, SAM_MASK, HARM = 0, 1, 2
# By how much Dice must fall to count as harm, as in `ChangeMeasure`.
HARMED_BY = 0.01


@dataclass(frozen=True)
class CaseEvidence:
    """What is known of N cases when their quality is predicted. All of it in one frame.

    Attributes:
        coarse_prob: (N, 1, H, W) p in [0, 1].
        sam_prob: (N, 1, H, W) q in [0, 1].
        features: (N, C, e, e) float, SAM's embedding over the same frame.
        predicted_iou: (N,) float, the IoU that SAM predicts of its mask.
        stability: (N,) float in [0, 1], IoU of SAM's mask with those that it gives for boxes slightly larger and smaller; 1 where it wasn't
            asked for others.
        content: (N, 1, H, W) bool, what is image and not padding; None where all is.
    """

    coarse_prob: Tensor
    sam_prob: Tensor
    features: Tensor
    predicted_iou: Tensor
    stability: Tensor
    content: Tensor | None = None


class BaseQualityHead(nn.Module, ABC):
    """Contract: `CaseEvidence` -> (N, 3) in [0, 1], at least float32: predicted Dice of the coarse mask and of SAM's, and the probability that
    Dice falls by more than 0.01 where the answer is taken as the model it trained in takes it, by its gate.

    A case's prediction doesn't depend on the others of the batch. No gradient goes back into the evidence, so that training the head
    changes nothing else.

    Attributes:
        box_scales: by which factors a decoding's box is scaled about its centre for the further decodings that `stability` compares.
    """

    box_scales: Sequence[float] = ()

    @abstractmethod
    def forward(self, evidence: CaseEvidence) -> Tensor:
        """Returns the predictions, (N, 3)."""


def mean_quality(metainfo: Sequence[Mapping]) -> dict:
    """Returns `predicted_dice`, (coarse, SAM), and `predicted_harm` as means of what was said of one image several times; None where nobody knows."""
    known = [meta for meta in metainfo if meta.get("predicted_dice") is not None]
    if not known:
        return dict(predicted_dice=None, predicted_harm=None)
    pairs = zip(*(meta["predicted_dice"] for meta in known))
    return dict(
        predicted_dice=tuple(sum(values) / len(known) for values in pairs),
        predicted_harm=sum(meta["predicted_harm"] for meta in known) / len(known),
    )
