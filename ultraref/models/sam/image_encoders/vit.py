"""SAM's ViT: the package's modules and weights, run faster."""

from collections.abc import Callable
from functools import partial

import torch
from segment_anything.modeling import ImageEncoderViT
from segment_anything.modeling.image_encoder import Attention, Block
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from ultraref.errors import UserError
from ultraref.models.exporting import being_exported
from ultraref.models.sam.image_encoders.base import BaseImageEncoder
from ultraref.models.sam.image_encoders.pixel_scale import PixelScale
from ultraref.models.sam.image_encoders.relative_attention import METHODS, relative_attention, resize_rel_pos
from ultraref.models.sam.image_encoders.vit_arch import ARCHS, describe, own_image_size, resolve_arch
from ultraref.models.sam.layer_norm import layer_norm_channels_last
from ultraref.registry import MODELS

# Tokens of a stripe on CPUs. A row of windows of the published sizes has 896.
STRIPE_TOKENS = 1024


@MODELS.register_module()
class SAMViT(BaseImageEncoder, ImageEncoderViT):
    """The ViT of `segment_anything`, same weights and values.

    Args:
        arch: `vit_b`, `vit_l`, `vit_h`, `tiny`, or a dict of ViTArch's sizes; those left out are the tiny one's.
        image_size: S, side of the input in pixels. None takes the arch's own: 1024 for the published ones, else 256.
            Position embeddings of a checkpoint are resized to it.
        scale: how the weights want their images, see `PixelScale`: `imagenet` for SAM's, `minmax` for MedSAM's.
        attention: how relative attention is computed: `appended`, `chunked`, or `auto` for the device's faster one; see
            relative_attention.py.
        checkpoint_activations: keep only each block's input for the backward pass and compute the rest again.

    Raises:
        ValueError: a name or a size isn't known, or the sizes don't fit each other.
    """

    anchor = "patch_embed.proj.weight"
    lora_targets = ("blocks.*.attn.qkv",)
    lora_fused_qkv = True

    def __init__(
        self,
        arch: str | dict = "vit_b",
        image_size: int | None = None,
        scale: str = "imagenet",
        attention: str = "auto",
        checkpoint_activations: bool = False,
    ):
        sizes = resolve_arch(arch)
        image_size = own_image_size(arch) if image_size is None else image_size
        if image_size % sizes.patch_size:
            raise UserError(
                f"SAMViT: image_size={image_size} must be a multiple of the arch's patch_size={sizes.patch_size}"
            )
        if attention not in ("auto", *METHODS):
            raise UserError(f"SAMViT: attention {attention!r} is not known; give 'auto' or one of {', '.join(METHODS)}")
        # The next in line is the package's encoder, whose arguments these are.
        super().__init__(
            img_size=image_size,
            patch_size=sizes.patch_size,
            embed_dim=sizes.embed_dim,
            depth=sizes.depth,
            num_heads=sizes.num_heads,
            mlp_ratio=sizes.mlp_ratio,
            out_chans=sizes.out_channels,
            norm_layer=partial(nn.LayerNorm, eps=1e-6),
            use_rel_pos=True,
            window_size=sizes.window_size,
            global_attn_indexes=sizes.global_attn_indexes,
        )
        self.arch = sizes
        self.image_size = image_size
        self.embedding_size = image_size // sizes.patch_size
        self.out_channels = sizes.out_channels
        self.pixel_scale = PixelScale(scale)
        self.attention = attention
        self.checkpoint_activations = checkpoint_activations

    def forward(self, image: Tensor) -> Tensor:
        """Maps normalised images (B, 3, H, W), sides multiples of the patch, to embeddings (B, C, H/16, W/16).

        The embedding is channels-last in memory. Where the image isn't of the size that the encoder was built for, its
        position embeddings are resized.
        """
        x = self.patch_embed(image)
        x = x + resize_pos_embed(self.pos_embed, x.shape[1:3])
        for block in self.blocks:
            if self.checkpoint_activations and torch.is_grad_enabled():
                x = checkpoint(run_block, block, x, self.attention, use_reentrant=False)
            else:
                x = run_block(block, x, self.attention)
        return self._neck(x)

    def describe(self) -> str:
        """See `BaseImageEncoder.describe`."""
        return f"SAMViT {describe(self.arch)} at {self.image_size} px"

    @classmethod
    def guess_arch(cls, state: dict[str, Tensor]) -> str:
        """See `BaseImageEncoder.guess_arch`."""
        embed_dim, _, patch_size, _ = state[cls.anchor].shape
        depth = len({key.split(".")[1] for key in state if key.startswith("blocks.")})
        positions = state.get("pos_embed")
        size = "" if positions is None else f" at {positions.shape[1] * patch_size} px"
        for name, arch in ARCHS.items():
            if (arch.embed_dim, arch.depth, arch.patch_size) == (embed_dim, depth, patch_size):
                return f"SAMViT with arch={name!r}{size}"
        return f"SAMViT with embed_dim={embed_dim}, depth={depth}, patch_size={patch_size}{size}"

    def adapt_state(self, state: dict[str, Tensor]) -> dict[str, Tensor]:
        """See `BaseImageEncoder.adapt_state`: pos_embed bicubic, rel_pos linearly, as `forward` does at run time."""
        own, state = self.state_dict(), dict(state)
        for key, value in state.items():
            target = own.get(key)
            if target is None or target.shape == value.shape or target.shape[-1] != value.shape[-1]:
                continue
            if key == "pos_embed":
                state[key] = resize_pos_embed(value, target.shape[1:3])
            elif key.endswith(("rel_pos_h", "rel_pos_w")):
                state[key] = resize_rel_pos(value, (target.shape[0] + 1) // 2)
        return state

    def _neck(self, x: Tensor) -> Tensor:
        narrow, norm1, smooth, norm2 = self.neck
        x = layer_norm_channels_last(norm1, F.linear(x, narrow.weight.flatten(1)))
        x = smooth(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
        return layer_norm_channels_last(norm2, x).permute(0, 3, 1, 2)


def resize_pos_embed(pos_embed: Tensor, size: tuple[int, int]) -> Tensor:
    """Resizes (1, h, w, C) position embeddings to `size` (height, width), bicubic."""
    if tuple(pos_embed.shape[1:3]) == tuple(size):
        return pos_embed
    resized = F.interpolate(pos_embed.permute(0, 3, 1, 2), size=tuple(size), mode="bicubic", align_corners=False)
    return resized.permute(0, 2, 3, 1)


def run_block(block: Block, x: Tensor, method: str) -> Tensor:
    """One transformer block on a map (B, H, W, C).

    All but the attention to the whole map is of one token or of one window, and done in stripes of the map.
    """
    if block.window_size:
        return map_stripes(lambda s: add_mlp(block, add_attention(block, s, method)), x, block.window_size)
    return map_stripes(lambda s: add_mlp(block, s), add_attention(block, x, method), 1)


def add_attention(block: Block, x: Tensor, method: str) -> Tensor:
    """The first half of a block, with its residual."""
    return x + attend(block.attn, block.norm1(x), block.window_size, method)


def add_mlp(block: Block, x: Tensor) -> Tensor:
    """The second half of a block, with its residual."""
    return x + block.mlp(block.norm2(x))


def map_stripes(function: Callable[[Tensor], Tensor], x: Tensor, unit: int) -> Tensor:
    """Applies a function to stripes of a map (B, H, W, C), on CPUs; elsewhere to the map at once.

    A stripe's intermediate tensors stay in the processor's and the allocator's caches, where those of a whole map are
    fresh pages of memory each time.

    Args:
        function: keeps the shape, and is independent between the stripes.
        x: the map.
        unit: number of rows from which on stripes are independent; they begin at its multiples.
    """
    if x.device.type != "cpu" or being_exported():
        return function(x)
    batch, height, width, _ = x.shape
    rows = unit * max(1, STRIPE_TOKENS // (unit * width))
    images = max(1, STRIPE_TOKENS // (height * width))
    if rows >= height and images >= batch:
        return function(x)
    maps = [torch.cat([function(stripe) for stripe in part.split(rows, dim=1)], dim=1) for part in x.split(images)]
    return torch.cat(maps) if len(maps) > 1 else maps[0]


def attend(attention: Attention, x: Tensor, window_size: int, method: str) -> Tensor:
    """Self-attention on a map (B, H, W, C), within windows or, with window size 0, over all of it.

    q, k and v are computed before the windows are cut. The package pads the map first, and its padding tokens are
    zeros, so that their q, k and v are the layer's bias: that is what is padded here.
    """
    batch, height, width, _ = x.shape
    qkv = attention.qkv(x)
    if window_size:
        qkv = cut_windows(pad_map(qkv, attention.qkv.bias, window_size), window_size)
    q, k, v = qkv.unflatten(-1, (3, attention.num_heads, -1)).permute(3, 0, 4, 1, 2, 5)
    x = relative_attention(q, k, v, attention.rel_pos_h, attention.rel_pos_w, method)
    x = x.permute(0, 2, 3, 1, 4).flatten(3)
    if window_size:
        x = join_windows(x, batch, height, width)
    return attention.proj(x)


def pad_map(x: Tensor, value: Tensor, window_size: int) -> Tensor:
    """Pads a map (B, H, W, C) at the bottom and right with the vector `value` (C) to whole windows."""
    batch, height, width, channels = x.shape
    below, right = -height % window_size, -width % window_size
    value = value.to(x.dtype)
    if right:
        x = torch.cat([x, value.expand(batch, height, right, channels)], dim=2)
    if below:
        x = torch.cat([x, value.expand(batch, below, width + right, channels)], dim=1)
    return x


def cut_windows(x: Tensor, window_size: int) -> Tensor:
    """(B, H, W, C) -> (B * windows, size, size, C)."""
    x = x.unflatten(2, (-1, window_size)).unflatten(1, (-1, window_size))
    return x.transpose(2, 3).flatten(0, 2)


def join_windows(x: Tensor, batch: int, height: int, width: int) -> Tensor:
    """(B * windows, size, size, C) -> (B, height, width, C), without the padding."""
    size = x.shape[1]
    x = x.view(batch, -(-height // size), -(-width // size), size, size, -1).transpose(2, 3)
    return x.flatten(3, 4).flatten(1, 2)[:, :height, :width]
