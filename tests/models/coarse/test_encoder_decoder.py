"""Coarse networks: every encoder with every decoder, and the contract image -> two-class logits."""

import fnmatch
import math

import pytest
import torch

from ultraref.errors import UserError
from ultraref.models.coarse.decoders import BaseDecoder
from ultraref.models.coarse.encoder_decoder import EncoderDecoder, foreground_prob
from ultraref.models.coarse.encoders import BaseEncoder
from ultraref.registry import MODELS

# A small config of each registered encoder and decoder. A new one is tested as soon as it stands here; the first test
# says so if it is left out.
ENCODERS = {
    "R50ViTEncoder": {
        "layers": (1, 1, 1),
        "channels": (16, 32, 64),
        "stem_channels": 16,
        "norm_groups": 8,
        "embed_dim": 32,
        "depth": 2,
        "num_heads": 2,
    },
    "TimmEncoder": {"name": "resnet10t", "out_indices": (0, 1, 2, 3)},
}
DECODERS = {"CascadedUpsampler": {"channels": (16, 16, 8, 8), "head_channels": 16}}


def build(encoder, decoder, **kwargs):
    torch.manual_seed(0)
    encoder, decoder = {"type": encoder, **ENCODERS[encoder]}, {"type": decoder, **DECODERS[decoder]}
    return MODELS.build({"type": "EncoderDecoder", "image_size": 32, "encoder": encoder, "decoder": decoder, **kwargs})


every_pair = pytest.mark.parametrize("pair", [(e, d) for e in ENCODERS for d in DECODERS], ids="-".join)


@pytest.mark.parametrize(("base", "tested"), [(BaseEncoder, ENCODERS), (BaseDecoder, DECODERS)])
def test_every_registered_part_is_tested_here(base, tested):
    shipped = {
        name
        for name, kind in MODELS.module_dict.items()
        if isinstance(kind, type) and issubclass(kind, base) and kind.__module__.startswith("ultraref.")
    }
    # It reads SAM's image besides: tests/models/coarse/encoders/test_sam_feature_fusion.py.
    assert shipped - {"SAMFeatureFusion"} == set(tested)


@every_pair
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [(32, 32), (48, 64)])
def test_image_to_two_class_logits(pair, channels, size):
    logits = build(*pair, in_channels=channels)(torch.rand(2, channels, *size))
    assert logits.shape == (2, 2, *size)
    assert logits.dtype == torch.float32
    assert logits.isfinite().all()


@every_pair
def test_gradient_reaches_every_parameter(pair):
    network = build(*pair)
    network(torch.rand(2, 1, 32, 32)).square().mean().backward()
    without = [name for name, p in network.named_parameters() if p.grad is None or not p.grad.isfinite().all()]
    assert not without


@every_pair
def test_a_sample_does_not_depend_on_its_neighbours(pair):
    network = build(*pair).eval()
    images = torch.rand(3, 1, 32, 32)
    together = network(images)
    alone = torch.cat([network(image[None]) for image in images])
    assert torch.allclose(together, alone, atol=1e-5)


@every_pair
def test_last_two_layers_are_found_by_the_globs_of_phase_3(pair):
    """They are two blocks, each of two convolutions and two norms, and the head."""
    names = [f"model.{name}" for name, _ in build(*pair).named_parameters()]
    globs = ("*.decoder.blocks.2*", "*.decoder.blocks.3*", "*.head*")
    found = [[n for n in names if fnmatch.fnmatch(n, glob)] for glob in globs]
    assert [len(n) for n in found] == [6, 6, 2]
    assert not any("encoder" in n.split(".") for group in found for n in group)


@every_pair
def test_it_learns_a_bright_square(pair):
    """Ten steps on one easy image: the loss falls below that of a constant prediction."""
    network = build(*pair)
    target = torch.zeros(2, 32, 32, dtype=torch.long)
    target[:, 8:24, 8:24] = 1
    image = target[:, None].float() * 0.8 + 0.1
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-2)
    for _ in range(10):
        loss = torch.nn.functional.cross_entropy(network(image), target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    # The best constant prediction of a quarter of lesion pixels.
    assert loss.item() < -(0.25 * math.log(0.25) + 0.75 * math.log(0.75))


def test_transunet_has_the_published_number_of_parameters():
    """105.28 million is the count that the literature gives for R50-ViT-B_16.

    Ours has the class token and its position (2 x 768) on top, which the published code drops.
    """
    with torch.device("meta"):
        network = EncoderDecoder(224, {"type": "R50ViTEncoder"}, {"type": "CascadedUpsampler"})
    assert sum(p.numel() for p in network.parameters()) / 1e6 == pytest.approx(105.28, abs=0.005)


def test_foreground_probability_is_the_softmax_of_class_1():
    logits = torch.tensor([[1.0, 3.0], [2.0, -1.0]]).view(2, 2, 1, 1)
    expected = torch.tensor([1 / (1 + math.exp(-2)), 1 / (1 + math.exp(3))]).view(2, 1, 1, 1)
    assert torch.allclose(foreground_prob(logits), expected)
    assert foreground_prob(logits.half()).dtype == torch.float32
    assert foreground_prob(logits.double()).dtype == torch.float64


@pytest.mark.parametrize("part", ["encoder", "decoder"])
def test_a_part_of_another_kind_is_refused(part):
    class Other(torch.nn.Module):
        def __init__(self, **kwargs):
            super().__init__()

    parts = {
        "encoder": {"type": "R50ViTEncoder", **ENCODERS["R50ViTEncoder"]},
        "decoder": {"type": "CascadedUpsampler", **DECODERS["CascadedUpsampler"]},
    }
    with pytest.raises(UserError, match=f"`{part}` names Other, which is not a Base"):
        EncoderDecoder(**{"image_size": 32, **parts, part: {"type": Other}})


def test_the_image_size_reaches_an_encoder_that_takes_one():
    network = build("R50ViTEncoder", "CascadedUpsampler")
    assert (network.image_size, network.encoder.image_size) == (32, (32, 32))
    # 2 x 2 tokens of 16 px, and the class token.
    assert network.encoder.vit.pos_embed.shape[1] == 5
    assert build("TimmEncoder", "CascadedUpsampler").image_size == 32
