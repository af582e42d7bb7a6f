"""The Segment Anything Model as a component: exact, batched, adaptable."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ultraref.errors import UserError
from ultraref.models.sam.checkpoint import load_sam_checkpoint
from ultraref.models.sam.image_embedding import ImageEmbedding
from ultraref.models.sam.image_encoders import BaseImageEncoder
from ultraref.models.sam.lora import LoRALinear, add_lora, is_lora_key, lora_layers
from ultraref.models.sam.prompt_encoder import PromptEncoder
from ultraref.registry import MODELS
from ultraref.structures import Prompts

PARTS = ("image_encoder", "prompt_encoder", "mask_decoder")


@MODELS.register_module()
class SAM(nn.Module):
    """SAM with the modules, weights and state-dict keys of `segment_anything`, around any image encoder.

    Args:
        image_encoder: config of an image encoder, such as `SAMViT`. It owns all that is special about its weights.
        mask_decoder: config of a mask decoder; its `channels` are filled in. None takes `SAMMaskDecoder` of the published
            sizes.
        checkpoint: a file of SAM's or MedSAM's weights, see `load_sam_checkpoint`.
        freeze: parts that don't train, of `image_encoder`, `prompt_encoder`, `mask_decoder`. They stay in eval mode.
        lora: settings of `add_lora` (rank, alpha, dropout, targets) to train adapters in the image encoder. They train
            although the image encoder is frozen.
        compile_image_encoder: run the image encoder through `torch.compile`: a minute at its first image, for each shape of a batch,
            and faster from then on. Weights and their names stay as they are.

    Attributes:
        image_size: S, side of the input image.
        embedding_size: e, side of the image embedding.
        mask_size: m, side of the mask prompt and of the masks, 4 * e.
        embed_dim: C, channels of the image embedding.
        profile: record of the published weights that it was filled with; None where there is none.

    Raises:
        UserError: what `image_encoder` names is no image encoder.
    """

    def __init__(
        self,
        image_encoder: dict,
        mask_decoder: dict | None = None,
        checkpoint: str | None = None,
        freeze: Sequence[str] = ("image_encoder",),
        lora: dict | None = None,
        compile_image_encoder: bool = False,
    ):
        super().__init__()
        self.image_encoder = MODELS.build(image_encoder)
        if not isinstance(self.image_encoder, BaseImageEncoder):
            raise UserError(
                f"SAM: image_encoder is {type(self.image_encoder).__name__}, which is no image encoder of SAM; give a part "
                "that derives from BaseImageEncoder, such as SAMViT"
            )
        self.image_size = self.image_encoder.image_size
        self.embedding_size = self.image_encoder.embedding_size
        self.mask_size = 4 * self.embedding_size
        self.embed_dim = self.image_encoder.out_channels
        self.prompt_encoder = PromptEncoder(
            embed_dim=self.embed_dim,
            image_embedding_size=(self.embedding_size, self.embedding_size),
            input_image_size=(self.image_size, self.image_size),
            mask_in_chans=16,
        )
        self.mask_decoder = MODELS.build(
            mask_decoder or {"type": "SAMMaskDecoder"}, default_args={"channels": self.embed_dim}
        )
        self.frozen = frozenset()
        if lora is not None:
            add_lora(self.image_encoder, **lora)
        self.freeze(*freeze)
        self.profile = None if checkpoint is None else load_sam_checkpoint(self, checkpoint)
        if compile_image_encoder:
            self.image_encoder.compile()

    def normalise(self, image: Tensor, content_size: Tensor | None = None) -> Tensor:
        """Scales whole images as the image encoder's weights want them, before anything is cropped.

        What lies beyond the image in a crop of the result, then, is 0, like the padding.

        Args:
            image: (B, 3, S, S) RGB in [0, 255].
            content_size: (B, 2) integer (height, width) of what is not padding, at the top left; None where nothing is.

        Returns:
            (B, 3, S, S), at least float32; the padding is 0.
        """
        return self.image_encoder.normalise(image, content_size)

    def encode(self, image: Tensor) -> ImageEmbedding:
        """Maps normalised images (B, 3, S, S) to embeddings.

        Raises:
            ValueError: the image isn't S x S.
        """
        if tuple(image.shape[1:]) != (3, self.image_size, self.image_size):
            raise UserError(
                f"SAM ({self.image_encoder.describe()}) takes images (B, 3, {self.image_size}, {self.image_size}), "
                f"but got {tuple(image.shape)}"
            )
        # Without a gradient to keep, an encoder may work in place, and in parts.
        trains = image.requires_grad or any(p.requires_grad for p in self.image_encoder.parameters())
        with torch.set_grad_enabled(torch.is_grad_enabled() and trains):
            output = self.image_encoder(image)
        return output if isinstance(output, ImageEmbedding) else ImageEmbedding(output)

    def decode(
        self, embedding: ImageEmbedding, prompts: Prompts, multimask_output: bool = True
    ) -> tuple[Tensor, Tensor]:
        """Decodes B images, each with its own prompts, in one call.

        Args:
            embedding: of B images, from `encode`.
            prompts: in pixel-index units of the S x S image; absent ones are None. Points with a label below 0 are
                padding. Where there are points and no box, one padding point is added, as the package does.
            multimask_output: three candidates, or one.

        Returns:
            logits (B, K, m, m) and predicted IoU (B, K), K being 3 or 1.

        Raises:
            ValueError: a prompt isn't of B images, or the mask prompt isn't m x m.
        """
        sparse, dense = self.prompt_encoder(prompts, embedding.features.shape[0])
        position = self.prompt_encoder.dense_position_tokens()
        return self.mask_decoder(embedding, position, sparse, dense, multimask_output)

    def merged_state_dict(self) -> dict[str, Tensor]:
        """Returns a state dict that `segment_anything` loads: LoRA adapters are merged into the weights.

        Without adapters this is `state_dict()`.
        """
        state = {k: v.detach().clone() for k, v in self.state_dict().items() if not is_lora_key(k)}
        for name, layer in self.named_modules():
            if isinstance(layer, LoRALinear) and not layer.merged:
                state[f"{name}.weight"] += layer.delta().detach()
        return state

    def freeze(self, *parts: str) -> None:
        """Stops the named parts from training and puts them into eval mode.

        Raises:
            ValueError: a name isn't one of PARTS.
        """
        self._set_frozen(parts, True)

    def unfreeze(self, *parts: str) -> None:
        """Lets the named parts train. Of an image encoder with LoRA, it is the adapters that do."""
        self._set_frozen(parts, False)

    def train(self, mode: bool = True) -> "SAM":
        """As nn.Module.train, but what is frozen stays in eval mode."""
        super().train(mode)
        adapters = lora_layers(self.image_encoder)
        # An encoder with adapters is frozen but for them, whatever `frozen` says.
        for part in self.frozen | ({"image_encoder"} if adapters else set()):
            getattr(self, part).eval()
        for layer in adapters:
            layer.train(mode)
        return self

    def _set_frozen(self, parts: Sequence[str], frozen: bool) -> None:
        for part in parts:
            if part not in PARTS:
                raise UserError(f"SAM has no part {part!r} to freeze; it has {', '.join(PARTS)}")
            module = getattr(self, part)
            trains = not frozen and not lora_layers(module)
            for name, parameter in module.named_parameters():
                parameter.requires_grad_(trains or is_lora_key(name))
        self.frozen = self.frozen | set(parts) if frozen else self.frozen - set(parts)
        self.train(self.training)
