"""Where the coarse probability p of a refinement model comes from."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

from torch import Tensor, nn

from ultraref.errors import UserError
from ultraref.models.checkpoint_loading import load_part, without_initial_weights
from ultraref.models.coarse.encoder_decoder import foreground_prob, run_network
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
    """Contract: from the preprocessed inputs of a batch to a `CoarseOutput`.

    Attributes:
        size: side of `CoarseOutput.prob` in pixels.
    """

    size: int

    @abstractmethod
    def forward(self, inputs: dict[str, Tensor]) -> CoarseOutput:
        """Args: inputs: what `SegDataPreprocessor` returns under `inputs`."""


@COARSE_SOURCES.register_module()
class FromSample(BaseCoarseSource):
    """Hands on the p that the data pipeline put into the sample: a stored prediction or a simulated error (phase 2).

    Args:
        size: side of p in pixels, that of the coarse network whose masks are refined.
    """

    def __init__(self, size: int):
        super().__init__()
        self.size = size

    def forward(self, inputs: dict[str, Tensor]) -> CoarseOutput:
        """Returns `inputs["coarse_prob"]`.

        Raises:
            UserError: the samples carry no coarse probability.
            ValueError: it is of another size.
        """
        if "coarse_prob" not in inputs:
            raise UserError(
                "coarse source FromSample: the samples carry no coarse_prob; add LoadCoarsePrediction, SimulateCoarse or "
                "HybridCoarse to the data pipeline, or use FromNetwork"
            )
        prob = inputs["coarse_prob"]
        if prob.shape[-2:] != (self.size, self.size):
            raise UserError(
                f"coarse source FromSample: the samples carry a coarse_prob of {tuple(prob.shape[-2:])}, but "
                f"model.coarse_source.size is {self.size}; set it to the size that the predictions were made at"
            )
        return CoarseOutput(prob)


@COARSE_SOURCES.register_module()
class FromNetwork(BaseCoarseSource):
    """Runs a coarse network (phase 3 and inference).

    Args:
        network: config of a coarse network: image (B, 1, h, h) -> two-class logits (B, 2, h, h), h being its `image_size`.
        checkpoint: phase-1 checkpoint whose part `network` is loaded, strictly. None keeps the initial weights, which is what
            a resumed run, or a test of a whole model's checkpoint, wants.
        own_checkpoint: the same, for a model whose checkpoint has no coarse network, that of phase 2: the weights stay when that is
            loaded.

    Attributes:
        has_own_weights: whether a checkpoint of the whole model may lack the network.
    """

    def __init__(self, network: dict, checkpoint: str | None = None, own_checkpoint: str | None = None):
        super().__init__()
        path = checkpoint if own_checkpoint is None else own_checkpoint
        self.network = MODELS.build(network if path is None else without_initial_weights(network))
        if path is not None:
            load_part(self.network, path, prefix="network.")
        self.has_own_weights = own_checkpoint is not None
        size = getattr(self.network, "image_size", None)
        if not isinstance(size, int):
            raise UserError(
                f"coarse network {type(self.network).__name__} has image_size {size!r}; a coarse network states the side of "
                "its square images in pixels as the attribute image_size, which the data pipeline resizes to"
            )
        self.size = size

    def forward(self, inputs: dict[str, Tensor]) -> CoarseOutput:
        """Returns probability and logits of `inputs["coarse_image"]`."""
        logits = run_network(self.network, inputs)
        return CoarseOutput(foreground_prob(logits), logits)
