"""The Segment Anything Model as a component: exact, batched, adaptable."""

from collections.abc import Sequence
from functools import partial

from segment_anything.modeling import TwoWayTransformer
from torch import Tensor, nn

from ultraref.models.sam.arch import SAMArch, describe, resolve_arch
from ultraref.models.sam.checkpoint import load_sam_checkpoint
from ultraref.models.sam.image_encoder import ImageEncoder
from ultraref.models.sam.lora import LoRAQKV, add_lora, is_lora_key, lora_layers
from ultraref.models.sam.mask_decoder import MaskDecoder
from ultraref.models.sam.prompt_encoder import PromptEncoder
from ultraref.registry import MODELS
from ultraref.structures import Prompts

PARTS = ("image_encoder", "prompt_encoder", "mask_decoder")


@MODELS.register_module()
class SAM(nn.Module):
    """SAM with the modules, weights and state-dict keys of `segment_anything`.

    Args:
        arch: `vit_b`, `vit_l`, `vit_h`, `tiny`, or a dict of SAMArch's sizes.
        checkpoint: a file of SAM's or MedSAM's weights, see `load_sam_checkpoint`.
        image_size: side of the input image, if not the arch's own; position embeddings of the checkpoint are resized.
        freeze: parts that don't train, of `image_encoder`, `prompt_encoder`, `mask_decoder`. They stay in eval mode.
        lora: settings of `add_lora` (rank, alpha, dropout, targets) to train adapters in the image encoder. They train
            although the image encoder is frozen.
        attention: how the encoder computes relative attention, see models/sam/attention.py.
        checkpoint_activations: trade time for memory in the encoder's backward pass.

    Attributes:
        image_size: S, side of the input image.
        embedding_size: e, side of the image embedding.
        mask_size: m, side of the mask prompt and of the masks.
        embed_dim: C, channels of the image embedding.
    """

    def __init__(
        self,
        arch: str | dict | SAMArch = "vit_b",
        checkpoint: str | None = None,
        image_size: int | None = None,
        freeze: Sequence[str] = ("image_encoder",),
        lora: dict | None = None,
        attention: str = "auto",
        checkpoint_activations: bool = False,
    ):
        super().__init__()
        self.arch = arch = resolve_arch(arch, image_size)
        self.image_size = arch.image_size
        self.embedding_size = arch.embedding_size
        self.mask_size = 4 * arch.embedding_size
        self.embed_dim = arch.out_chans
        self.image_encoder = _image_encoder(arch, attention, checkpoint_activations)
        self.prompt_encoder = _prompt_encoder(arch)
        self.mask_decoder = _mask_decoder(arch)
        self.frozen = frozenset()
        if lora is not None:
            add_lora(self.image_encoder, **lora)
        self.freeze(*freeze)
        if checkpoint is not None:
            load_sam_checkpoint(self, checkpoint)

    def encode(self, image: Tensor) -> Tensor:
        """Maps normalised images (B, 3, S, S) to embeddings (B, C, e, e), channels-last in memory.

        Raises:
            ValueError: the image isn't S x S.
        """
        if tuple(image.shape[1:]) != (3, self.image_size, self.image_size):
            raise ValueError(
                f"SAM ({describe(self.arch)}) takes images (B, 3, {self.image_size}, {self.image_size}), "
                f"but got {tuple(image.shape)}"
            )
        return self.image_encoder(image)

    def decode(self, embedding: Tensor, prompts: Prompts, multimask_output: bool = True) -> tuple[Tensor, Tensor]:
        """Decodes B images, each with its own prompts, in one call.

        Args:
            embedding: (B, C, e, e).
            prompts: in pixel-index units of the S x S image; absent ones are None. Points with a label below 0 are
                padding. Where there are points and no box, one padding point is added, as the package does.
            multimask_output: three candidates, or one.

        Returns:
            logits (B, K, m, m) and predicted IoU (B, K), K being 3 or 1.

        Raises:
            ValueError: a prompt isn't of B images, or the mask prompt isn't m x m.
        """
        sparse, dense = self.prompt_encoder(prompts, embedding.shape[0])
        position = self.prompt_encoder.dense_position_tokens()
        return self.mask_decoder(embedding, position, sparse, dense, multimask_output)

    def merged_state_dict(self) -> dict[str, Tensor]:
        """Returns a state dict that `segment_anything` loads: LoRA adapters are merged into the weights.

        Without adapters this is `state_dict()`.
        """
        state = {k: v.detach().clone() for k, v in self.state_dict().items() if not is_lora_key(k)}
        for name, layer in self.named_modules():
            if isinstance(layer, LoRAQKV) and not layer.merged:
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
        for part in self.frozen:
            getattr(self, part).eval()
        # Adapters train inside of a frozen encoder, with their dropout.
        for layer in lora_layers(self.image_encoder):
            layer.train(mode)
        return self

    def _set_frozen(self, parts: Sequence[str], frozen: bool) -> None:
        for part in parts:
            if part not in PARTS:
                raise ValueError(f"SAM has no part {part!r} to freeze; it has {', '.join(PARTS)}")
            module = getattr(self, part)
            trains = not frozen and not lora_layers(module)
            for name, parameter in module.named_parameters():
                parameter.requires_grad_(trains or is_lora_key(name))
        self.frozen = self.frozen | set(parts) if frozen else self.frozen - set(parts)
        self.train(self.training)


def _image_encoder(arch: SAMArch, attention: str, checkpoint_activations: bool) -> ImageEncoder:
    return ImageEncoder(
        img_size=arch.image_size,
        patch_size=arch.patch_size,
        embed_dim=arch.embed_dim,
        depth=arch.depth,
        num_heads=arch.num_heads,
        mlp_ratio=arch.mlp_ratio,
        out_chans=arch.out_chans,
        norm_layer=partial(nn.LayerNorm, eps=1e-6),
        use_rel_pos=True,
        window_size=arch.window_size,
        global_attn_indexes=arch.global_attn_indexes,
        attention=attention,
        checkpoint_activations=checkpoint_activations,
    )


def _prompt_encoder(arch: SAMArch) -> PromptEncoder:
    return PromptEncoder(
        embed_dim=arch.out_chans,
        image_embedding_size=(arch.embedding_size, arch.embedding_size),
        input_image_size=(arch.image_size, arch.image_size),
        mask_in_chans=16,
    )


def _mask_decoder(arch: SAMArch) -> MaskDecoder:
    transformer = TwoWayTransformer(
        depth=arch.decoder_depth,
        embedding_dim=arch.out_chans,
        num_heads=arch.decoder_heads,
        mlp_dim=arch.decoder_mlp_dim,
    )
    return MaskDecoder(
        transformer_dim=arch.out_chans, transformer=transformer, iou_head_hidden_dim=arch.iou_head_hidden_dim
    )
