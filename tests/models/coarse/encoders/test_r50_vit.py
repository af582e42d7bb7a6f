"""The hybrid encoder: maps, sizes, grey and RGB, and timm's published architecture as its default."""

import pytest
import timm
import torch
from mmengine.model import BaseModule
from torch.nn import functional as F

from ultraref.models.coarse.encoders import R50ViTEncoder

TINY = {
    "image_size": 32,
    "layers": (1, 1, 1),
    "channels": (16, 32, 64),
    "stem_channels": 8,
    "norm_groups": 8,
    "embed_dim": 16,
    "depth": 2,
    "num_heads": 2,
}


@pytest.fixture
def encoder():
    torch.manual_seed(0)
    return R50ViTEncoder(**TINY).eval()


@pytest.mark.parametrize("size", [(32, 32), (64, 64), (48, 80)])
def test_maps_are_at_their_reductions(encoder, size):
    maps = encoder(torch.rand(2, 1, *size))
    assert encoder.reductions == (2, 4, 8, 16)
    assert encoder.channels == (8, 16, 32, 16)
    expected = [(2, c, size[0] // r, size[1] // r) for c, r in zip(encoder.channels, encoder.reductions)]
    assert [tuple(m.shape) for m in maps] == expected


def test_defaults_are_timms_vit_base_r50_s16_224():
    with torch.device("meta"):
        ours = R50ViTEncoder().vit.state_dict()
        theirs = timm.create_model("vit_base_r50_s16_224", num_classes=0).state_dict()
    assert {k: v.shape for k, v in ours.items()} == {k: v.shape for k, v in theirs.items()}


def test_last_map_is_timms_own_output():
    """timm's forward_features of the same weights, on an image normalised by hand, without its class token."""
    encoder = R50ViTEncoder(**TINY, in_channels=3).eval()
    image = torch.rand(2, 3, 32, 32)
    tokens = encoder.vit.forward_features((image - 0.5) / 0.5)[:, 1:]
    last = encoder(image)[-1]
    assert torch.allclose(last.flatten(2).transpose(1, 2), tokens, atol=1e-6)


def test_first_map_is_the_stem_before_pooling(encoder):
    image = torch.rand(1, 1, 32, 32)
    stem = encoder.vit.patch_embed.backbone.stem
    expected = stem.norm(stem.conv(image.repeat(1, 3, 1, 1) * 2 - 1))
    assert torch.allclose(encoder(image)[0], expected, atol=1e-6)
    assert (expected >= 0).all()  # after the activation


def test_grey_equals_rgb_of_three_equal_channels(encoder):
    rgb = R50ViTEncoder(**TINY, in_channels=3).eval()
    rgb.load_state_dict(encoder.state_dict())
    image = torch.rand(2, 1, 32, 32)
    for grey_map, rgb_map in zip(encoder(image), rgb(image.repeat(1, 3, 1, 1))):
        assert torch.equal(grey_map, rgb_map)


def test_position_embedding_follows_the_image_size(encoder):
    """An encoder for 32 px gives at 64 px what one for 64 px gives with the embedding interpolated beforehand."""
    with torch.no_grad():
        encoder.vit.pos_embed.normal_()
    weights = encoder.state_dict()
    grid = weights["vit.pos_embed"][:, 1:].reshape(1, 2, 2, -1).permute(0, 3, 1, 2)
    grid = F.interpolate(grid, size=(4, 4), mode="bicubic", antialias=True).flatten(2).transpose(1, 2)
    weights["vit.pos_embed"] = torch.cat([weights["vit.pos_embed"][:, :1], grid], dim=1)
    large = R50ViTEncoder(**{**TINY, "image_size": 64}).eval()
    large.load_state_dict(weights)
    image = torch.rand(1, 1, 64, 64)
    assert torch.allclose(encoder(image)[-1], large(image)[-1], atol=1e-5)


def test_dropout_acts_in_training_only(encoder):
    image = torch.rand(1, 1, 32, 32)
    assert torch.equal(encoder(image)[-1], encoder(image)[-1])
    encoder.train()
    assert not torch.equal(encoder(image)[-1], encoder(image)[-1])


def test_mmengines_weight_initialisation_leaves_it_alone(encoder):
    """The runner calls init_weights of modules that have one; timm's transformer has, and would be redrawn."""
    model = BaseModule()
    model.encoder = encoder
    before = {k: v.clone() for k, v in encoder.state_dict().items()}
    model.init_weights()
    assert all(torch.equal(v, before[k]) for k, v in encoder.state_dict().items())


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((1, 1, 40, 32), r"divisible by 16, but got 40 x 32; the nearest size is 32 x 32"),
        ((1, 3, 32, 32), r"in_channels=1, but got an image of 3 channels"),
        ((1, 32, 32), r"shape \(B, C, h, w\), but got shape \(1, 32, 32\)"),
    ],
)
def test_images_that_do_not_fit_are_refused(encoder, shape, message):
    with pytest.raises(ValueError, match=message):
        encoder(torch.rand(shape))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"in_channels": 2}, "in_channels=2"),
        ({"image_size": 40}, "divisible by 16, but got 40"),
        ({"layers": (1, 1)}, "one number a stage"),
        ({"num_heads": 3}, "num_heads must divide embed_dim"),
        ({"norm_groups": 32}, "norm_groups must divide"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        R50ViTEncoder(**{**TINY, **change})
