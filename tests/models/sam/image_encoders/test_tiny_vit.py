"""TinyViT against the published code of LiteMedSAM and MobileSAM: numbers that it gave, and itself where it is installed.

Weights and images are seeded and large enough that a bias, a norm or a window left out shows: see `randomise`.
"""

import copy
import hashlib
import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch

from ultraref.errors import UserError
from ultraref.models.checkpoint_loading import load_strictly
from ultraref.models.sam.image_encoders import TinyViT, tiny_vit_layers
from ultraref.models.sam.image_encoders.tiny_vit_layers import ConvNorm, Downsample, MBConv, TinyViTEncoder
from ultraref.registry import MODELS
from ultraref.structures import Prompts
from ultraref.testing.package_tiny_vit import PACKAGES, build_package_tiny_vit

REFERENCE = json.loads(Path(__file__).with_name("tiny_vit_reference.json").read_text())
# LiteMedSAM at 256 px, MobileSAM at 1024 px.
VARIANTS = {"lite_medsam": {}, "mobile_sam": {"stem_stride": 4, "num_classes": 1000}}
SIZES = {"lite_medsam": 256, "mobile_sam": 1024}
TINY = {
    "embed_dims": (8, 16, 16, 32),
    "depths": (1, 1, 2, 1),
    "num_heads": (1, 2, 2, 4),
    "window_sizes": (3, 3, 5, 3),
    "out_channels": 12,
}


def randomise(module):
    """Weights that depend on the seed and the sorted state-dict keys alone, of about unit gain."""
    rng = np.random.default_rng(0)
    state = module.state_dict()
    for key in sorted(state):
        if key.endswith("num_batches_tracked"):
            continue
        values = rng.standard_normal(tuple(state[key].shape)).astype(np.float32)
        if key.endswith("running_var"):
            values = 0.5 + np.abs(values)
        elif key.endswith(("running_mean", "bias")):
            values = 0.2 * values
        elif values.ndim > 1 and not key.endswith("attention_biases"):
            values = values / np.sqrt(values[0].size)
        elif key.endswith("weight"):
            values = 1 + 0.2 * values
        state[key] = torch.from_numpy(values)
    module.load_state_dict(state)
    return module


def random_image(height, width=None, batch=1):
    return torch.from_numpy(np.random.default_rng(1).random((batch, 3, height, width or height), dtype=np.float32))


def keys_sha256(state):
    return hashlib.sha256("".join(f"{k} {tuple(v.shape)}\n" for k, v in state.items()).encode()).hexdigest()


def summarise(embedding):
    """Mean, standard deviation, largest magnitude and twelve values of (1, C, h, w)."""
    values = embedding[0].double()
    places = np.random.default_rng(2).integers([values.shape], size=(12, 3)).tolist()
    return {
        "mean": values.mean().item(),
        "std": values.std().item(),
        "max": values.abs().max().item(),
        "places": places,
        "values": [values[tuple(place)].item() for place in places],
    }


def assert_matches(embedding, expected):
    found = summarise(embedding)
    tolerance = 1e-5 * expected["max"]
    assert found["places"] == expected["places"]
    for name in ("mean", "std", "max", "values"):
        assert found[name] == pytest.approx(expected[name], rel=0, abs=tolerance), name


def published_encoder(variant):
    """The published code's encoder, from the package that holds it."""
    package, module, _ = PACKAGES[variant]
    pytest.importorskip(module, reason=f"needs {package}")
    return build_package_tiny_vit(TinyViT(variant))


@pytest.fixture
def published_file() -> Path:
    folder = os.environ.get("ULTRAREF_WEIGHTS")
    path = Path(folder or "weights") / "lite_medsam.pth"
    if not path.is_file():
        pytest.skip("needs LiteMedSAM's weights: set ULTRAREF_WEIGHTS to the folder of lite_medsam.pth")
    return path


@pytest.fixture
def real_weights(published_file):
    prefix = "image_encoder."
    state = torch.load(published_file, map_location="cpu", weights_only=True)
    return {key.removeprefix(prefix): value for key, value in state.items() if key.startswith(prefix)}


@pytest.fixture
def tiny():
    return randomise(TinyViTEncoder(**TINY)).eval()


@pytest.mark.parametrize("variant", VARIANTS)
def test_equals_the_published_codes_numbers(variant):
    encoder = randomise(TinyViTEncoder(**VARIANTS[variant])).eval()
    assert keys_sha256(encoder.state_dict()) == REFERENCE[variant]["keys_sha256"]
    with torch.no_grad():
        embedding = encoder(random_image(SIZES[variant]))
    assert embedding.shape == (1, 256, 64, 64)
    assert embedding.is_contiguous(memory_format=torch.channels_last)
    assert_matches(embedding, REFERENCE[variant])


@pytest.mark.parametrize("variant", VARIANTS)
def test_equals_the_published_code(variant):
    published, encoder = randomise(published_encoder(variant)), TinyViTEncoder(**VARIANTS[variant])
    assert keys_sha256(published.state_dict()) == REFERENCE[variant]["keys_sha256"]
    encoder.load_state_dict(published.state_dict(), strict=True)
    published.eval(), encoder.eval()
    image = random_image(SIZES[variant])
    with torch.no_grad():
        expected = published(image)
        assert_matches(expected, REFERENCE[variant])
        found = encoder(image)
    assert (found - expected).abs().max() < 1e-5 * expected.abs().max()
    # With gradients nothing is done in place or in strips.
    assert (encoder(image) - expected).abs().max() < 1e-5 * expected.abs().max()


def test_gradients_and_batch_statistics_equal_the_published_codes():
    published, encoder = randomise(published_encoder("lite_medsam")), TinyViTEncoder()
    encoder.load_state_dict(published.state_dict())
    published.train(), encoder.train()
    image = random_image(256)
    weights = torch.from_numpy(np.random.default_rng(3).standard_normal((1, 256, 64, 64)).astype(np.float32))
    for module in (published, encoder):
        (module(image) * weights).sum().backward()
    expected = {name: parameter.grad for name, parameter in published.named_parameters()}
    # A bias before a batch norm has no gradient but rounding, of the size of what cancels.
    rounding = 1e-5 * max(grad.abs().max() for grad in expected.values())
    for name, parameter in encoder.named_parameters():
        difference = (parameter.grad - expected[name]).abs().max()
        assert difference <= 2e-3 * expected[name].abs().max() + rounding, name
    for name, value in published.state_dict().items():
        assert torch.allclose(value, encoder.state_dict()[name], rtol=1e-4, atol=1e-5), name


def test_real_weights_are_loaded_and_saved_unchanged(real_weights):
    encoder = TinyViTEncoder().eval()
    load_strictly(encoder, real_weights, "lite_medsam.pth")
    saved = encoder.state_dict()
    assert list(saved) == list(real_weights)
    assert all(torch.equal(saved[key], value) for key, value in real_weights.items())
    with torch.no_grad():
        embedding = encoder(random_image(256))
    assert_matches(embedding, REFERENCE["lite_medsam_real"])
    # Working with folded weights has not changed them.
    assert all(torch.equal(encoder.state_dict()[key], value) for key, value in real_weights.items())


def test_real_weights_equal_the_published_code(real_weights):
    published, encoder = published_encoder("lite_medsam"), TinyViTEncoder().eval()
    published.load_state_dict(real_weights)
    encoder.load_state_dict(real_weights)
    published.train()
    published.eval()
    with torch.no_grad():
        expected = published(random_image(256))
        assert_matches(expected, REFERENCE["lite_medsam_real"])
        assert (encoder(random_image(256)) - expected).abs().max() < 1e-5 * expected.abs().max()


def test_nothing_is_remembered_from_earlier_weights(tiny):
    """The published code makes attention biases in train() and forgets to after any other change."""
    image = random_image(64)
    with torch.no_grad():
        before = tiny(image)
        for parameter in tiny.parameters():
            parameter.data.mul_(1.1)
        for module in tiny.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.running_mean.add_(0.1)
        after = tiny(image)
        fresh = TinyViTEncoder(**TINY)
        fresh.load_state_dict(tiny.state_dict())
        # Set by hand, as some freezing code does.
        for module in fresh.modules():
            module.training = False
        assert torch.equal(fresh(image), after)
    assert not torch.allclose(before, after)


@pytest.mark.parametrize(("kernel", "stride", "groups"), [(1, 1, 1), (3, 1, 8), (3, 2, 8), (3, 2, 1)])
def test_a_folded_batch_norm_is_the_batch_norm(kernel, stride, groups):
    layer = randomise(ConvNorm(8, 8, kernel, stride, groups)).double().eval()
    x = torch.randn(2, 7, 6, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    expected = layer.bn(layer.c(x.permute(0, 3, 1, 2))).permute(0, 2, 3, 1)
    assert torch.allclose(layer(x), expected, rtol=1e-12)
    # Its gradients as well, to the batch norm's weights too.
    parameters = list(layer.parameters())
    ours = torch.autograd.grad(layer(x).square().sum(), parameters)
    assert all(torch.allclose(a, b) for a, b in zip(ours, torch.autograd.grad(expected.square().sum(), parameters)))


@pytest.mark.parametrize("part", [MBConv(8, 4.0), Downsample(8, 24, 2), Downsample(8, 24, 1)])
@pytest.mark.parametrize("rows", [1, 6, 11])
def test_strips_make_the_whole(part, rows, monkeypatch):
    part = randomise(part).double().eval()
    x = torch.randn(2, rows, 5, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    whole = part(x)
    for size in (1, 3000, 1 << 20):
        monkeypatch.setattr(tiny_vit_layers, "STRIP_BYTES", size)
        with torch.no_grad():
            assert torch.allclose(part(x), whole, rtol=1e-12), size


def test_an_mlp_in_strips_is_the_same(tiny, monkeypatch):
    image = random_image(32, 48, batch=2)
    whole = tiny(image)
    monkeypatch.setattr(tiny_vit_layers, "STRIP_BYTES", 1000)
    with torch.no_grad():
        assert torch.allclose(tiny(image), whole, atol=1e-5)
        assert torch.allclose(tiny(image[1:]), whole[1:], atol=1e-5)


def test_every_parameter_has_a_gradient_in_training():
    encoder = randomise(TinyViTEncoder(**TINY, num_classes=5)).train()
    encoder(random_image(32, batch=2)).square().sum().backward()
    assert [name for name, p in encoder.named_parameters() if p.grad is None or not p.grad.any()] == []
    # The classifier is in the state dict and in no optimizer.
    assert {"head.weight", "head.bias", "norm_head.weight", "norm_head.bias"} <= encoder.state_dict().keys()
    assert not any("head" in name for name, _ in encoder.named_parameters())


@pytest.mark.parametrize("training", [True, False])
def test_checkpointed_activations_change_nothing(training):
    plain = randomise(TinyViTEncoder(**TINY)).train(training)
    checkpointed = TinyViTEncoder(**TINY, checkpoint_activations=True).train(training)
    checkpointed.load_state_dict(plain.state_dict())
    image = random_image(32, batch=2)
    for encoder in (plain, checkpointed):
        encoder(image).square().sum().backward()
    for (name, a), b in zip(plain.named_parameters(), checkpointed.parameters()):
        assert torch.allclose(a.grad, b.grad, rtol=1e-4, atol=1e-5 * a.grad.abs().max().item()), name
    # Running statistics and the number of batches among them: computing a block twice must not count twice.
    for name, value in plain.state_dict().items():
        assert torch.equal(value, checkpointed.state_dict()[name]), name


def test_gradients_to_the_image_are_those_of_differences():
    encoder = randomise(TinyViTEncoder(**{**TINY, "depths": (1, 1, 1, 1)})).double().eval()
    image = random_image(8).double().requires_grad_()
    assert torch.autograd.gradcheck(lambda image: encoder(image)[:, :2], image, eps=1e-6, atol=1e-5, fast_mode=True)


@pytest.mark.parametrize("grad", [False, True])
def test_bfloat16_autocast_is_close(grad, tiny):
    image = random_image(64, batch=2)
    with torch.set_grad_enabled(grad):
        expected = tiny(image)
        with torch.autocast("cpu", torch.bfloat16):
            found = tiny(image)
    # bfloat16 has 8 bits: one rounding is 2^-9 of the value, and some 30 layers follow each other.
    assert (found.float() - expected).square().mean().sqrt() < 0.03 * expected.std()


def test_image_sides_may_differ_and_images_of_a_batch_are_apart(tiny):
    image = random_image(32, 52, batch=2)
    with torch.no_grad():
        embedding = tiny(image)
        assert embedding.shape == (2, 12, 8, 13)
        assert torch.allclose(embedding[1:], tiny(image[1:]), atol=1e-5)


def test_what_does_not_fit_is_an_error(tiny):
    with pytest.raises(ValueError, match=r"multiples of 4, but it is \(32, 30\)"):
        tiny(random_image(32, 30))
    with pytest.raises(ValueError, match="stem_stride is 2; it may be 1 or 4"):
        TinyViTEncoder(stem_stride=2)
    with pytest.raises(ValueError, match="a number for each stage"):
        TinyViTEncoder(depths=(2, 2, 6))
    with pytest.raises(ValueError, match="3 heads for 128"):
        TinyViTEncoder(num_heads=(1, 3, 5, 10))


@pytest.mark.slow
def test_compiled_is_the_same(tiny):
    image = random_image(64)
    compiled = torch.compile(copy.deepcopy(tiny))
    with torch.no_grad():
        assert torch.allclose(compiled(image), tiny(image), atol=1e-5 * tiny(image).abs().max().item())


# A mask decoder's channels are multiples of 8.
WIDE = {**TINY, "out_channels": 16}


def build_sam(**options):
    sam = dict(
        type="SAM",
        image_encoder=dict(type="TinyViT", arch=WIDE, image_size=64),
        mask_decoder=dict(type="SAMMaskDecoder", num_heads=1, mlp_dim=16, iou_head_hidden_dim=16),
        freeze=[],
    )
    return MODELS.build(dict(sam, **options))


def test_it_is_a_part_of_sam():
    sam = build_sam().eval()
    # 64 px at 1/4: stages of strides 2, 2 and 1 behind a stem that keeps the size.
    assert (sam.image_size, sam.embedding_size, sam.mask_size, sam.embed_dim) == (64, 16, 64, 16)
    image = 255 * torch.rand(2, 3, 64, 64)
    embedding = sam.encode(sam.normalise(image))
    assert embedding.features.shape == (2, 16, 16, 16)
    logits, iou = sam.decode(embedding, Prompts(box=torch.tensor([[4.0, 4, 40, 40]]).expand(2, -1)), False)
    assert (logits.shape, iou.shape) == ((2, 1, 64, 64), (2, 1))
    # Min-max by default, as LiteMedSAM.
    scaled = sam.normalise(image).flatten(1)
    torch.testing.assert_close(scaled.amin(dim=1), torch.zeros(2))
    torch.testing.assert_close(scaled.amax(dim=1), torch.ones(2))


def test_lora_adapts_every_attention():
    sam = build_sam(lora=dict(rank=2, alpha=2.0))
    trained = [name for name, p in sam.image_encoder.named_parameters() if p.requires_grad]
    # One block in the second stage, two in the third, one in the last; two matrices each.
    assert len(trained) == 8
    assert all("attn.qkv.lora_" in name for name in trained)
    with pytest.raises(UserError, match=r"targets"):
        build_sam(lora=dict(targets=("q", "v")))


def test_frozen_batch_norms_do_not_drift():
    sam = build_sam(freeze=["image_encoder"]).train()
    before = {key: value.clone() for key, value in sam.image_encoder.state_dict().items()}
    sam.encode(torch.rand(2, 3, 64, 64))
    assert all(torch.equal(value, before[key]) for key, value in sam.image_encoder.state_dict().items())


@pytest.mark.parametrize(("arch", "size", "reduction"), [("lite_medsam", 256, 4), ("mobile_sam", 1024, 16)])
def test_published_archs_have_the_published_sizes(arch, size, reduction):
    with torch.device("meta"):
        encoder = TinyViT(arch)
    assert (encoder.image_size, encoder.embedding_size, encoder.out_channels) == (size, size // reduction, 256)
    assert encoder.describe() == f"TinyViT {arch} at {size} px"
    assert TinyViT.guess_arch(encoder.state_dict()) == f"TinyViT with arch={arch!r}"


def test_what_is_no_arch_is_refused():
    with pytest.raises(UserError, match=r"arch 'tiny' is not known; give one of lite_medsam, mobile_sam"):
        TinyViT("tiny")
    with pytest.raises(UserError, match=r"no size 'embed_dim'. Did you mean 'embed_dims'"):
        TinyViT({"embed_dim": 8})
    with pytest.raises(UserError, match=r"image_size=30 must be a multiple of 4"):
        TinyViT(TINY, image_size=30)


def test_the_published_file_loads_into_sam_with_its_own_scale_alone(published_file):
    lite = dict(type="SAM", image_encoder=dict(type="TinyViT"), checkpoint=str(published_file))
    sam = MODELS.build(lite)
    published = torch.load(published_file, weights_only=True)
    own = sam.state_dict()
    assert set(published) == set(own)
    assert all(torch.equal(value, own[key]) for key, value in published.items())
    with pytest.raises(UserError, match=r"images are scaled 'minmax', but this SAM scales them 'imagenet'"):
        MODELS.build(dict(lite, image_encoder=dict(type="TinyViT", scale="imagenet")))
    with pytest.raises(UserError, match=r"holds another image encoder, TinyViT with arch='lite_medsam'"):
        MODELS.build(dict(lite, image_encoder=dict(type="SAMViT", arch="vit_b", scale="minmax")))
