"""The models' inputs on the device, against the formulas of the reference."""

import torch

from ultraref.models import SegDataPreprocessor
from ultraref.models.sam.image_encoders import PixelScale


def process(grey):
    return SegDataPreprocessor()(dict(inputs=dict(coarse_image=grey, sam_image=grey, gt=(grey > 100).byte())))["inputs"]


def test_grey_becomes_unit_range_and_rgb_in_255():
    grey = torch.arange(256, dtype=torch.uint8).view(1, 1, 16, 16)
    out = process(grey)
    torch.testing.assert_close(out["coarse_image"], grey / 255)
    assert out["sam_image"].dtype == torch.float32
    assert torch.equal(out["sam_image"], grey.repeat(1, 3, 1, 1).float())
    # The three channels share their memory.
    assert out["sam_image"].stride(1) == 0
    assert out["gt"].dtype == torch.float32


def test_scaled_by_imagenet_it_is_the_formula_of_the_reference_bit_for_bit():
    grey = torch.arange(256, dtype=torch.uint8).view(1, 1, 16, 16)
    mean, std = torch.tensor([123.675, 116.28, 103.53]), torch.tensor([58.395, 57.12, 57.375])
    expected = (grey.float() - mean.view(1, 3, 1, 1)) / std.view(1, 3, 1, 1)
    assert torch.equal(PixelScale("imagenet")(process(grey)["sam_image"]), expected)


def test_a_colour_image_keeps_its_channels():
    colour = torch.arange(48, dtype=torch.uint8).view(1, 3, 4, 4)
    out = SegDataPreprocessor()(dict(inputs=dict(sam_image=colour)))["inputs"]
    assert torch.equal(out["sam_image"], colour.float())
