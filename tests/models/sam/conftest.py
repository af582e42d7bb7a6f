"""The same SAM twice: ours, and `segment_anything`'s with the same weights."""

import pytest
import torch
from torch import nn

from ultraref.models.sam import SAM
from ultraref.registry import MODELS
from ultraref.testing.package_sam import build_package_sam
from ultraref.testing.tiny_models import tiny_sam


def randomise(sam: nn.Module) -> None:
    """Position embeddings start at zero and attention nearly uniform: neither would show a wrong bias."""
    generator = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for name, parameter in sam.image_encoder.named_parameters():
            if "rel_pos" in name or "pos_embed" in name:
                parameter.normal_(0, 0.4, generator=generator)
            elif name.endswith("qkv.weight"):
                parameter.mul_(3)
            elif name.endswith("qkv.bias"):
                parameter.normal_(0, 0.5, generator=generator)


@pytest.fixture
def twins():
    """Returns (ours, published) of an arch, with the same, randomised weights."""

    def build(arch="tiny", **settings):
        torch.manual_seed(0)
        decoder = None if arch == "vit_b" else dict(type="SAMMaskDecoder", num_heads=4, mlp_dim=512)
        ours = SAM(dict(type="SAMViT", arch=arch, **settings), decoder, freeze=()).eval()
        randomise(ours)
        published = build_package_sam(ours).eval()
        published.load_state_dict(ours.state_dict(), strict=True)
        return ours, published

    return build


@pytest.fixture
def published_of():
    return lambda sam: build_package_sam(sam).eval()


@pytest.fixture
def build_sam():
    """Builds a small SAM for images of 64 px, its encoder frozen; an option `image_encoder` is merged into the config."""

    def build(size=64, **options) -> SAM:
        config = tiny_sam(size, **{"freeze": ("image_encoder",), **options})
        config["image_encoder"] = {**tiny_sam(size)["image_encoder"], **options.get("image_encoder", {})}
        return MODELS.build(config)

    return build
