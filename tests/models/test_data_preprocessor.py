"""Normalisation on the device, against the formula of the reference."""

import torch

from ultraref.models import SegDataPreprocessor


def test_grey_becomes_normalised_rgb_and_unit_range():
    grey = torch.arange(256, dtype=torch.uint8).view(1, 1, 16, 16)
    out = SegDataPreprocessor()(dict(inputs=dict(coarse_image=grey, sam_image=grey, gt=(grey > 100).byte())))["inputs"]
    torch.testing.assert_close(out["coarse_image"], grey / 255)
    mean, std = torch.tensor([123.675, 116.28, 103.53]), torch.tensor([58.395, 57.12, 57.375])
    expected = (grey.float() - mean.view(1, 3, 1, 1)) / std.view(1, 3, 1, 1)
    torch.testing.assert_close(out["sam_image"], expected)
    assert out["gt"].dtype == torch.float32
