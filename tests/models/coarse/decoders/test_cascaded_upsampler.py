"""TransUNet's decoder: block widths, skip connections, reductions, alignment."""

import pytest
import torch
from torch import nn

from ultraref.models.coarse.decoders import CascadedUpsampler

REDUCTIONS = (2, 4, 8, 16)


def features(channels, reductions, size=32):
    return [torch.rand(2, c, size // r, size // r) for c, r in zip(channels, reductions)]


def test_default_widths_are_those_of_transunet():
    """Each block's first convolution takes the block below and the skip: 512+512, 256+256, 128+64, 64."""
    with torch.device("meta"):
        decoder = CascadedUpsampler((64, 256, 512, 768), REDUCTIONS)
    convolutions = [m for m in decoder.modules() if isinstance(m, nn.Conv2d)]
    assert [(c.in_channels, c.out_channels) for c in convolutions] == [
        (768, 512),
        *((1024, 256), (256, 256)),
        *((512, 128), (128, 128)),
        *((192, 64), (64, 64)),
        *((64, 16), (16, 16)),
    ]
    assert isinstance(decoder.blocks, nn.ModuleList)
    assert len(decoder.blocks) == 4


@pytest.mark.parametrize(
    ("reductions", "channels"),
    [
        (REDUCTIONS, (16, 8, 8, 4)),
        ((2, 4, 8, 16, 32), (16, 16, 8, 8, 4)),
        ((4, 8, 16, 32), (16, 16, 8, 8, 4)),  # no map at 1/2
        ((4, 16), (16, 8, 8, 4)),  # a gap
        ((8,), (8, 8, 4)),  # no skip connection at all
        ((1, 2), (4,)),  # a skip connection at the image's size
    ],
)
def test_output_has_the_size_of_the_image(reductions, channels):
    encoder_channels = tuple(8 + i for i in range(len(reductions)))
    decoder = CascadedUpsampler(encoder_channels, reductions, channels=channels, head_channels=8)
    out = decoder(features(encoder_channels, reductions))
    assert out.shape == (2, 4, 32, 32)
    assert decoder.out_channels == 4


def test_every_map_reaches_the_output():
    maps = [m.requires_grad_() for m in features((4, 5, 6, 7), REDUCTIONS)]
    CascadedUpsampler((4, 5, 6, 7), REDUCTIONS, channels=(8, 8, 8, 4), head_channels=8)(maps).square().sum().backward()
    assert all(m.grad.abs().sum() > 0 for m in maps)


def test_upsampling_keeps_pixel_centres():
    """A mirrored input gives the mirrored output when the convolutions are symmetric; corner alignment would too, but a
    pixel-centred 2x upsampling of a ramp keeps its centre value and step: centres at (x + 0.5) / 2 - 0.5."""
    decoder = CascadedUpsampler((1,), (2,), channels=(1,), head_channels=1).eval()
    identity = torch.zeros(1, 1, 3, 3)
    identity[0, 0, 1, 1] = 1
    with torch.no_grad():
        for module in decoder.modules():
            if isinstance(module, nn.Conv2d):
                module.weight.copy_(identity)
            if isinstance(module, nn.BatchNorm2d):
                module.eps = 0.0
    ramp = torch.arange(4.0).expand(1, 1, 4, 4)
    expected = ((torch.arange(8) + 0.5) / 2 - 0.5).clamp(0, 3)
    assert torch.allclose(decoder([ramp])[0, 0, 0], expected)


@pytest.mark.parametrize("reductions", [(16, 16, 16), (8, 4), (3, 6), (2, 4, 12)])
def test_reductions_must_be_growing_powers_of_two(reductions):
    with pytest.raises(ValueError, match="strictly growing powers of two"):
        CascadedUpsampler((8,) * len(reductions), reductions)


def test_number_of_channels_must_fit_the_deepest_map():
    with pytest.raises(
        ValueError, match=r"deepest map is at 1/32, so CascadedUpsampler has 5 blocks .* \(256, 128, 64, 16\)"
    ):
        CascadedUpsampler((8,) * 5, (2, 4, 8, 16, 32))
