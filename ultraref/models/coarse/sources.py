"""Where the coarse probability p of a refinement model comes from."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

from torch import Tensor, nn

from ultraref.models.checkpoint_loading import load_part, without_initial_weights
from ultraref.models.coarse.encoder_decoder import foreground_prob
from ultraref.registry import COARSE_SOURCES, MODELS


@dataclass(frozen=True)
class CoarseOutput:
    """What a coarse source says of a batch.

    Attributes:
        prob: (B, 1, h, w) float in [0, 1], foreground probability in the coarse network's frame.
        logits: (B, 2, h, w) float that gave `prob`, or None where no network ran.
    """

    prob: Tensor
    logits: Tensor | None = None


class BaseCoarseSource(nn.Module, ABC):
    """Contract: from the preprocessed inputs of a batch to a `CoarseOutput`."""

    @abstractmethod
    def forward(self, inputs: dict[str, Tensor]) -> CoarseOutput:
        """Args: inputs: what `SegDataPreprocessor` returns under `inputs`."""


@COARSE_SOURCES.register_module()
class FromSample(BaseCoarseSource):
    """Hands on the p that the data pipeline put into the sample: a stored prediction or a simulated error (phase 2)."""

    def forward(self, inputs: dict[str, Tensor]) -> CoarseOutput:
        """Returns `inputs["coarse_prob"]`.

        Raises:
            KeyError: the samples carry no coarse probability.
        """
        if "coarse_prob" not in inputs:
            raise KeyError(
                "coarse source FromSample: the samples carry no coarse_prob; add LoadCoarsePrediction, SimulateCoarse or "
                "HybridCoarse to the data pipeline, or use FromNetwork"
            )
        return CoarseOutput(inputs["coarse_prob"])


@COARSE_SOURCES.register_module()
class FromNetwork(BaseCoarseSource):
    """Runs a coarse network (phase 3 and inference).

    Args:
        network: config of a coarse network: image (B, 1, h, w) -> two-class logits (B, 2, h, w).
        checkpoint: phase-1 checkpoint whose part `network` is loaded, strictly. None keeps the initial weights, which is what
            a resumed run, or a test of a whole model's checkpoint, wants.
    """

    def __init__(self, network: dict, checkpoint: str | None = None):
        super().__init__()
        self.network = MODELS.build(network if checkpoint is None else without_initial_weights(network))
        if checkpoint is not None:
            load_part(self.network, checkpoint, prefix="network.")

    def forward(self, inputs: dict[str, Tensor]) -> CoarseOutput:
        """Returns probability and logits of `inputs["coarse_image"]`."""
        logits = self.network(inputs["coarse_image"])
        return CoarseOutput(foreground_prob(logits), logits)
