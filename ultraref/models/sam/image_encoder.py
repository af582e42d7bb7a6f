"""SAM's image encoder: the package's modules and weights, run faster."""

from collections.abc import Callable

import torch
from segment_anything.modeling import ImageEncoderViT
from segment_anything.modeling.image_encoder import Attention, Block
from torch import Tensor
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from ultraref.models.sam.attention import METHODS, relative_attention
from ultraref.models.sam.prompt_encoder import layer_norm_channels_last

# Tokens of a stripe on CPUs. A row of windows of the published sizes has 896.
STRIPE_TOKENS = 1024


class ImageEncoder(ImageEncoderViT):
    """The package's ViT, same weights and values.

    Args:
        attention: how relative attention is computed: `appended`, `chunked`, or `auto` for the device's faster one.
        checkpoint_activations: keep only each block's input for the backward pass and compute the rest again.
        **sizes: of ImageEncoderViT.
    """

    def __init__(self, *, attention: str = "auto", checkpoint_activations: bool = False, **sizes):
        super().__init__(**sizes)
        if attention not in ("auto", *METHODS):
            raise ValueError(f"SAM attention {attention!r} is not known; give 'auto' or one of {', '.join(METHODS)}")
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
    batch, height, width, _ = x.shape
    rows = unit * max(1, STRIPE_TOKENS // (unit * width))
    images = max(1, STRIPE_TOKENS // (height * width))
    if x.device.type != "cpu" or (rows >= height and images >= batch):
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
