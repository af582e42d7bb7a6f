"""Phase 1: the coarse network alone."""

from mmengine.model import BaseModel
from torch import Tensor

from ultraref.errors import UserError
from ultraref.models.coarse import FromNetwork
from ultraref.models.coarse.encoder_decoder import run_network
from ultraref.registry import LOSSES, MODELS
from ultraref.structures import SegDataSample


@MODELS.register_module()
class CoarseSegmentor(BaseModel):
    """Trains and tests a coarse network.

    Args:
        network: config of a coarse network: image (B, 1, h, w) in [0, 1] -> two-class logits (B, 2, h, w).
        loss: config of a loss of (logits, target).
        data_preprocessor: config of a `SegDataPreprocessor`.
    """

    def __init__(self, network: dict, loss: dict, data_preprocessor: dict):
        super().__init__(data_preprocessor=data_preprocessor)
        source = FromNetwork(network)
        self.network = source.network
        # Not registered as a child a second time: the checkpoint's keys are those of `network` alone.
        self._source = [source]
        self.loss_function = LOSSES.build(loss)

    @property
    def sizes(self) -> dict[str, int]:
        """Side of the coarse frame in pixels, and of SAM's where the network reads that image: what the data sets resize to."""
        sizes = {"coarse": self._source[0].size}
        return {**sizes, "sam": self.network.sam_size} if getattr(self.network, "reads_sam_image", False) else sizes

    def forward(self, inputs: dict[str, Tensor], data_samples: list[SegDataSample] | None = None, mode: str = "tensor"):
        """Runs the network.

        Args:
            inputs: `coarse_image` (B, 1, h, w) float, what else the network reads, and for mode "loss" `gt` (B, 1, h, w) float in [0, 1].
            data_samples: the samples of the batch, which mode "predict" fills.
            mode: "loss" gives a dict of losses, "predict" the samples with `coarse` filled ((1, h, w) probability), "tensor"
                the logits (B, 2, h, w).
        """
        if mode == "tensor":
            return run_network(self.network, inputs)
        if mode == "loss":
            logits = run_network(self.network, inputs)
            return dict(loss_coarse=self.loss_function(logits, inputs["gt"]))
        if mode == "predict":
            prob = self._source[0](inputs).prob
            for sample, sample_prob in zip(data_samples, prob):
                sample.set_pixels("coarse", sample_prob)
            return data_samples
        raise UserError(f"mode is {mode!r}; it must be 'loss', 'predict' or 'tensor'")
