"""The box of what SAM2Rad finds, which reads the image and not the coarse mask."""

from dataclasses import fields

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ultraref.errors import UserError
from ultraref.models.checkpoint_loading import load_part
from ultraref.models.proposals.base import BaseProposal, Proposals, boxes_around, heaviest_component
from ultraref.models.sam import SAM, ImageEmbedding
from ultraref.models.sam.fingerprint import KeptFingerprint, weights_fingerprint
from ultraref.registry import MODELS, PROMPT_PREDICTORS, PROPOSALS
from ultraref.structures import Prompts


@PROPOSALS.register_module()
class SAM2RadProposal(BaseProposal):
    """The box of the heaviest component of a trained SAM2Rad's mask: a second opinion on where the lesion is.

    It reads the refiner's own embedding, so that it costs a prompt predictor and a decoding and no image encoder. Its image encoder must
    therefore be the refiner's, both frozen as they were published. It never trains.

    Args:
        sam: config of the SAM2Rad's `SAM`. Its prompt encoder and its mask decoder are kept.
        prompt_predictor: config of its prompt predictor; `embed_dim` is filled in.
        checkpoint: of a `SAM2RadSegmentor`, which is loaded strictly. None keeps the initial weights, which is what a resumed run, or a
            test of a whole model's checkpoint, wants.
        margin: growth of the box on each side, as a share of that side.

    Raises:
        UserError: the checkpoint doesn't fit, or the margin is negative.
    """

    def __init__(self, sam: dict, prompt_predictor: dict, checkpoint: str | None = None, margin: float = 0.05):
        super().__init__()
        if margin < 0:
            raise UserError(f"SAM2RadProposal: margin={margin}; it must not be negative")
        self.margin = margin
        built = nn.ModuleDict({"sam": MODELS.build(sam)})
        sam = built["sam"]
        built["prompt_predictor"] = PROMPT_PREDICTORS.build(prompt_predictor, default_args={"embed_dim": sam.embed_dim})
        if checkpoint is not None:
            load_part(built, checkpoint, prefix="")
        self.image_size, self.mask_size = sam.image_size, sam.mask_size
        self.prompt_predictor = built["prompt_predictor"]
        self.prompt_encoder, self.mask_decoder = sam.prompt_encoder, sam.mask_decoder
        self.requires_grad_(False)
        # Of the encoder that it was trained behind, which is not kept. Zeros where nothing was loaded yet.
        digest = bytes(32) if checkpoint is None else bytes.fromhex(weights_fingerprint(sam.image_encoder))
        self.register_buffer("encoder_sha256", torch.tensor(list(digest), dtype=torch.uint8))
        self._seen, self._checked = KeptFingerprint(), ""
        self.eval()

    def train(self, mode: bool = True) -> "SAM2RadProposal":
        """As nn.Module.train, but it stays in eval mode."""
        return super().train(False)

    def check_sam(self, sam: SAM) -> None:
        """Raises `UserError` where the refiner's image encoder isn't that of the SAM2Rad."""
        found = self._seen.of(sam.image_encoder)
        if found == self._checked:
            return
        expected = bytes(self.encoder_sha256.tolist()).hex()
        if not any(self.encoder_sha256):
            raise UserError("SAM2RadProposal: its SAM2Rad isn't trained; set `checkpoint` to a checkpoint of one")
        if found != expected:
            raise UserError(
                "SAM2RadProposal: its SAM2Rad was trained behind another image encoder than model.refiner.sam has (SHA-256 of the weights "
                f"{expected[:12]} and {found[:12]}), whose embeddings mean something else; give both the same published weights, frozen and "
                "without LoRA"
            )
        self._checked = found

    @torch.no_grad()
    def forward(self, coarse_prob: Tensor, embedding: ImageEmbedding) -> Proposals:
        """See the base class."""
        predicted = self.prompt_predictor(embedding.features, self.image_size, self.mask_size)
        # What a predictor adds for its own losses is left out.
        prompts = Prompts(**{field.name: getattr(predicted, field.name) for field in fields(Prompts)})
        sparse, dense = self.prompt_encoder(prompts, len(embedding.features))
        position = self.prompt_encoder.dense_position_tokens()
        logits, _ = self.mask_decoder(embedding, position, sparse, dense, False)
        size = coarse_prob.shape[-2:]
        prob = F.interpolate(logits.float(), size, mode="bilinear", align_corners=False).sigmoid()
        component = heaviest_component(prob > 0.5, prob)
        there = component.flatten(1).any(dim=1).nonzero()[:, 0]
        return Proposals(there, boxes_around(component[there], self.margin))
