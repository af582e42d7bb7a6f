"""Phase 3 with simulated errors among the coarse masks."""

import torch
from torch import Tensor

from ultraref.models.coarse.sources import CoarseOutput, FromNetwork
from ultraref.registry import COARSE_SOURCES


@COARSE_SOURCES.register_module()
class FromMixture(FromNetwork):
    """The coarse network's p, in training replaced by the sample's simulated p for a share of the samples.

    In phase 3 the coarse network runs on images that it was trained on in phase 1. Its masks of them are better than
    those that it makes of new images, so the refiner would learn to correct too little. Which samples are replaced is
    drawn anew for each batch, from torch's generator of the device.

    A replaced sample's refined loss has no gradient into the network; its coarse loss has, since the logits are the
    network's for every sample. In evaluation p is always the network's. State-dict keys are those of `FromNetwork`.

    The training pipeline needs `SimulateCoarse` with the network's size as coarse_size.

    Args:
        network: see `FromNetwork`.
        ratio: expected share of replaced samples, in [0, 1].
        checkpoint: see `FromNetwork`.

    Raises:
        ValueError: `ratio` is outside [0, 1].
    """

    def __init__(self, network: dict, ratio: float = 0.5, checkpoint: str | None = None):
        super().__init__(network, checkpoint)
        if not 0 <= ratio <= 1:
            raise ValueError(f"FromMixture: ratio is the share of simulated errors, in [0, 1], but is {ratio}")
        self.ratio = ratio
        self._replaces = True

    def train(self, mode: bool = True) -> "FromMixture":
        """As nn.Module.train, and turns the replacing on or off.

        `self.training` can't tell: ProgressiveUnfreezeHook clears it, by itself, while the network is frozen, and the
        refiner, which trains on then, needs the mixture there too.
        """
        self._replaces = mode
        return super().train(mode)

    def forward(self, inputs: dict[str, Tensor]) -> CoarseOutput:
        """Returns p and the network's logits of `inputs["coarse_image"]`, p mixed with `inputs["coarse_prob"]`.

        Raises:
            KeyError: the training samples carry no coarse probability.
            ValueError: it has another shape than the network's.
        """
        output = super().forward(inputs)
        if not self._replaces:
            return output
        if "coarse_prob" not in inputs:
            raise KeyError(
                "coarse source FromMixture: the training samples carry no coarse_prob; add SimulateCoarse to the "
                "training pipeline, or use FromNetwork"
            )
        simulated = inputs["coarse_prob"].to(output.prob.dtype)
        if simulated.shape != output.prob.shape:
            raise ValueError(
                f"coarse source FromMixture: coarse_prob is {tuple(simulated.shape)}, the network's probability "
                f"{tuple(output.prob.shape)}; give SimulateCoarse the network's size as coarse_size"
            )
        replaced = torch.rand(len(simulated), 1, 1, 1, device=simulated.device) < self.ratio
        return CoarseOutput(torch.where(replaced, simulated, output.prob), output.logits)
