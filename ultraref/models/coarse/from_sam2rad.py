"""SAM2Rad as the coarse network of a refinement model."""

import torch
from torch import Tensor

from ultraref.models.checkpoint_loading import check_contract, load_part
from ultraref.models.coarse.sources import BaseCoarseSource, CoarseOutput
from ultraref.registry import COARSE_SOURCES, MODELS


@COARSE_SOURCES.register_module()
class FromSAM2Rad(BaseCoarseSource):
    """Runs a SAM2Rad model on SAM's image.

    Both SAMs see the same image, so SAM2Rad must have been trained at the refiner's size, and squashed to a square by
    `ResizeToModels`: a refinement model knows no padding.

    Args:
        model: config of a `SAM2RadSegmentor`.
        checkpoint: its checkpoint, which is loaded strictly. None keeps the initial weights, which is what a resumed run,
            or a test of a whole model's checkpoint, wants.
    """

    def __init__(self, model: dict, checkpoint: str | None = None):
        super().__init__()
        # Built by name: the segmentors import the coarse networks, and not the other way round.
        self.model = MODELS.build(model)
        if checkpoint is not None:
            meta = load_part(self.model, checkpoint, prefix="")
            check_contract(self.model.input_contract(), meta.get("input_contract"), f"the model in {checkpoint}")
        self.size = self.model.sam.mask_size

    def forward(self, inputs: dict[str, Tensor]) -> CoarseOutput:
        """Returns probability and two-class logits of `inputs["sam_image"]`, both at SAM's mask size."""
        # A person's prompts are for the refiner.
        own = {name: value for name, value in inputs.items() if name != "given_prompts"}
        logits = self.model.segment(own).logits.float()
        # The softmax of (0, z) is the sigmoid of z.
        return CoarseOutput(logits.sigmoid(), torch.cat([torch.zeros_like(logits), logits], dim=1))
