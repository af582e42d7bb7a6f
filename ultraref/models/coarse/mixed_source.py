"""Phase 3 with simulated errors among the coarse masks."""

import torch
from torch import Tensor

from ultraref.errors import UserError
from ultraref.models.coarse.sources import CoarseOutput, FromNetwork
from ultraref.registry import COARSE_SOURCES

_ADVICE = "add HybridCoarse without `stored` to the training pipeline, or use FromNetwork"


@COARSE_SOURCES.register_module()
class FromMixture(FromNetwork):
    """The coarse network's p, in training replaced by the sample's simulated p where the sample says so.

    In phase 3 the coarse network runs on images that it was trained on in phase 1. Its masks of them are better than
    those that it makes of new images, so the refiner would learn to correct too little. Which samples are replaced is
    drawn by the transform `HybridCoarse`, from the sample's own random numbers, so that it depends on seed, epoch and
    image alone; its `ratio` is the share that is left to the network.

    A replaced sample's refined loss has no gradient into the network; its coarse loss has, since the logits are the
    network's for every sample. In evaluation p is always the network's. State-dict keys are those of `FromNetwork`.

    Args:
        network: see `FromNetwork`.
        checkpoint: see `FromNetwork`.
    """

    def __init__(self, network: dict, checkpoint: str | None = None):
        super().__init__(network, checkpoint)
        self._replaces = True

    def train(self, mode: bool = True) -> "FromMixture":
        """As nn.Module.train, and turns the replacing on or off.

        `self.training` can't tell: ProgressiveUnfreezeHook clears it, by itself, while the network is frozen, and the
        refiner, which trains on then, needs the mixture there too.
        """
        self._replaces = mode
        return super().train(mode)

    def forward(self, inputs: dict[str, Tensor]) -> CoarseOutput:
        """Returns p and the network's logits of `inputs["coarse_image"]`.

        In training p is `inputs["coarse_prob"]`, (B, 1, h, w), of the samples whose `inputs["coarse_from_sample"]`,
        (B,) bool, is true.

        Raises:
            UserError: the training samples carry no coarse probability, or don't say whether to use it.
            ValueError: it has another shape than the network's.
        """
        output = super().forward(inputs)
        if not self._replaces:
            return output
        missing = [name for name in ("coarse_prob", "coarse_from_sample") if name not in inputs]
        if missing:
            raise UserError(
                f"coarse source FromMixture: the training samples carry no {' and no '.join(missing)}; {_ADVICE}"
            )
        own = inputs["coarse_prob"].to(output.prob.dtype)
        if own.shape != output.prob.shape:
            raise UserError(
                f"coarse source FromMixture: coarse_prob is {tuple(own.shape)}, the network's probability "
                f"{tuple(output.prob.shape)}; the data set's sizes['coarse'] must be the network's size"
            )
        replaced = inputs["coarse_from_sample"].view(-1, 1, 1, 1)
        return CoarseOutput(torch.where(replaced, own, output.prob), output.logits)
