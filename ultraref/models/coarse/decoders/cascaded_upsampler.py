"""The decoder of TransUNet: a cascade of 2x upsampling blocks with skip connections.

Chen et al., "TransUNet: Transformers Make Strong Encoders for Medical Image Segmentation", arXiv:2102.04306, section
3.2.
"""

import itertools
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ultraref.errors import UserError
from ultraref.models.coarse.decoders.base import BaseDecoder
from ultraref.registry import MODELS


@MODELS.register_module()
class CascadedUpsampler(BaseDecoder):
    """A 3x3 convolution of the deepest map, then one block for each halving of the reduction.

    Block i doubles the size, appends the encoder's map of that size where it has one, and applies two 3x3 convolutions
    with batch norm and ReLU. With the encoder's deepest map at 1/r there are log2(r) blocks, so `channels` has that
    many numbers: four for 1/16, five for 1/32 (add one, or leave out the encoder's deepest map). With the TransUNet
    encoder the skip connections are 512 channels at 1/8, 256 at 1/4, 64 at 1/2 and none at 1/1.

    The blocks are `blocks.0`, `blocks.1`, ... in order of size. Phase 3 unfreezes "the last two layers": `blocks[2:]`
    and the head of the network.

    Upsampling keeps pixel centres (align_corners=False), as everywhere in this package; the published code aligns the
    corners, which shifts a map by up to half a pixel at each block.

    Args:
        encoder_channels: Channels of the encoder's maps, finest first; `EncoderDecoder` fills it in.
        encoder_reductions: Their reductions; `EncoderDecoder` fills it in. Powers of two, strictly growing.
        channels: Output channels of each block.
        head_channels: Output channels of the first convolution.

    Raises:
        ValueError: reductions that are not growing powers of two, or a number of channels that doesn't fit them.
    """

    def __init__(
        self,
        encoder_channels: Sequence[int],
        encoder_reductions: Sequence[int],
        channels: Sequence[int] = (256, 128, 64, 16),
        head_channels: int = 512,
    ):
        super().__init__()
        reductions = list(encoder_reductions)
        growing = all(a < b for a, b in itertools.pairwise(reductions))
        if not growing or any(r < 1 or r & (r - 1) for r in reductions) or len(reductions) != len(encoder_channels):
            raise UserError(
                "CascadedUpsampler takes feature maps at reductions that are strictly growing powers of two, "
                f"for example (2, 4, 8, 16), but the encoder's are {tuple(reductions)}"
            )
        deepest = reductions[-1]
        num_blocks = deepest.bit_length() - 1
        if len(channels) != num_blocks:
            raise UserError(
                f"the encoder's deepest map is at 1/{deepest}, so CascadedUpsampler has {num_blocks} blocks and needs "
                f"as many channels, but got {tuple(channels)}; change `channels`, or the maps that the encoder returns"
            )
        self.out_channels = channels[-1] if channels else head_channels
        self.encoder_reductions = tuple(reductions)
        skip_channels = dict(zip(reductions, encoder_channels))

        self.bridge = _ConvNormReLU(encoder_channels[-1], head_channels)
        self.blocks = nn.ModuleList()
        in_channels = head_channels
        for i, out_channels in enumerate(channels, start=1):
            self.blocks.append(_UpsamplingBlock(in_channels, skip_channels.get(deepest >> i, 0), out_channels))
            in_channels = out_channels

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        """Returns (B, out_channels, h, w) for the maps of an image of size h x w; see `BaseDecoder.forward`."""
        # Maps of mixed memory formats cost the CPU a conversion in every block: a third of the decoder's time.
        features = [feature.contiguous(memory_format=torch.channels_last) for feature in features]
        maps = dict(zip(self.encoder_reductions, features))
        reduction = self.encoder_reductions[-1]
        x = self.bridge(maps[reduction])
        for block in self.blocks:
            reduction //= 2
            x = block(x, maps.get(reduction))
        return x


class _UpsamplingBlock(nn.Module):
    """Doubles the size, appends the skip connection if there is one, and convolves twice."""

    def __init__(self, in_channels: int, skip_channels: int, out_channels: int):
        super().__init__()
        self.conv1 = _ConvNormReLU(in_channels + skip_channels, out_channels)
        self.conv2 = _ConvNormReLU(out_channels, out_channels)

    def forward(self, x: Tensor, skip: Tensor | None) -> Tensor:
        x = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
        if skip is not None:
            x = torch.cat([x, skip], dim=1)
        return self.conv2(self.conv1(x))


class _ConvNormReLU(nn.Sequential):
    def __init__(self, in_channels: int, out_channels: int):
        super().__init__(
            nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(out_channels),
            nn.ReLU(inplace=True),
        )
