"""An image encoder of another architecture is one class: SAM, LoRA, freezing, checkpoints and the cache know nothing of it."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from ultraref.models.sam import SAM, BaseImageEncoder, EmbeddingCache, lora_layers
from ultraref.models.sam.image_encoders import PixelScale
from ultraref.registry import MODELS
from ultraref.structures import Prompts
from ultraref.testing.tiny_models import tiny_sam


class Mixer(nn.Module):
    """One head of attention whose fused layer gives v first and narrow q and k behind it."""

    def __init__(self, channels):
        super().__init__()
        self.norm = nn.LayerNorm(channels)
        self.fused = nn.Linear(channels, channels + 8)
        self.out = nn.Linear(channels, channels)

    def forward(self, x):
        v, q, k = self.fused(self.norm(x)).split([x.shape[-1], 4, 4], dim=-1)
        return x + self.out(F.scaled_dot_product_attention(q, k, v))


@pytest.fixture(autouse=True)
def _toy():
    class ToyEncoder(BaseImageEncoder):
        """Convolutions with batch norm, and attention with position embeddings, at an eighth of the image's size."""

        anchor = "stem.0.weight"
        lora_targets = ("layers.*.fused", "last.fused")

        def __init__(self, image_size=64, channels=16, scale="minmax"):
            super().__init__()
            self.image_size, self.embedding_size, self.out_channels = image_size, image_size // 8, channels
            self.pixel_scale = PixelScale(scale)
            self.stem = nn.Sequential(nn.Conv2d(3, channels, 8, stride=8), nn.BatchNorm2d(channels), nn.GELU())
            self.position = nn.Parameter(torch.randn(1, channels, self.embedding_size, self.embedding_size))
            self.layers = nn.ModuleList(Mixer(channels) for _ in range(2))
            self.last = Mixer(channels)

        def forward(self, image):
            x = self.stem(image) + self.position
            tokens = x.flatten(2).transpose(1, 2)
            for layer in (*self.layers, self.last):
                tokens = layer(tokens)
            return tokens.transpose(1, 2).unflatten(2, x.shape[2:])

        def describe(self):
            return f"ToyEncoder of {self.out_channels} channels at {self.image_size} px"

        @classmethod
        def guess_arch(cls, state):
            return f"ToyEncoder of {len(state[cls.anchor])} channels"

        def adapt_state(self, state):
            size = self.position.shape[2:]
            return {**state, "position": F.interpolate(state["position"], size, mode="bilinear")}

    MODELS.register_module(module=ToyEncoder)
    yield
    MODELS.module_dict.pop("ToyEncoder")


def build(size=64, encoder=None, **options):
    torch.manual_seed(0)
    config = {"type": "ToyEncoder", "image_size": size, **(encoder or {})}
    return MODELS.build(tiny_sam(size, image_encoder=config, **options)).eval()


@pytest.fixture
def image():
    return torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0)) * 255


def test_sam_takes_its_sizes_from_it(image):
    sam = build()
    assert (sam.image_size, sam.embedding_size, sam.mask_size, sam.embed_dim) == (64, 8, 32, 16)
    embedding = sam.encode(sam.normalise(image))
    assert embedding.features.shape == (2, 16, 8, 8)
    assert embedding.high_resolution == ()
    prompts = Prompts(box=torch.tensor([[3.0, 4, 40, 50]]).expand(2, 4), mask_logits=torch.zeros(2, 1, 32, 32))
    logits, iou = sam.decode(embedding, prompts)
    assert (logits.shape, iou.shape) == ((2, 3, 32, 32), (2, 3))
    low = image.flatten(1).amin(1).view(2, 1, 1, 1)
    high = image.flatten(1).amax(1).view(2, 1, 1, 1)
    torch.testing.assert_close(sam.normalise(image), (image - low) / (high - low))
    with pytest.raises(ValueError, match=r"SAM \(ToyEncoder of 16 channels at 64 px\) takes images \(B, 3, 64, 64\)"):
        sam.encode(image[..., :32])


def test_frozen_it_keeps_its_running_statistics(image):
    sam = build(freeze=("image_encoder",)).train()
    before = {k: v.clone() for k, v in sam.image_encoder.state_dict().items()}
    assert not sam.encode(image).features.requires_grad
    assert all(torch.equal(v, before[k]) for k, v in sam.image_encoder.state_dict().items())
    sam.unfreeze("image_encoder")
    sam.train().encode(image)
    assert not torch.equal(sam.image_encoder.stem[1].running_mean, before["stem.1.running_mean"])


def test_lora_adapts_the_layers_that_it_names(image):
    plain, sam = build(freeze=()), build(freeze=(), lora={"rank": 2, "alpha": 2.0})
    layers = lora_layers(sam)
    # 3 layers of 16 inputs and 24 outputs.
    trained = sum(p.numel() for p in sam.image_encoder.parameters() if p.requires_grad)
    assert (len(layers), trained) == (3, 3 * 2 * (16 + 24))
    x = sam.normalise(image)
    assert torch.equal(sam.encode(x).features, plain.encode(x).features)
    # Batch norm stays as it is: all but the adapters is frozen.
    assert not sam.train().image_encoder.stem[1].training
    assert all(layer.training for layer in layers)
    with torch.no_grad():
        for layer in layers:
            layer.lora_b.normal_()
    adapted = sam.eval().encode(x).features
    assert not torch.equal(adapted, plain.encode(x).features)
    plain.load_state_dict(sam.merged_state_dict(), strict=True)
    torch.testing.assert_close(plain.encode(x).features, adapted, rtol=1e-4, atol=1e-4)
    with pytest.raises(ValueError, match=r"the layers of ToyEncoder mix q, k and v; give \('qkv',\)"):
        build(lora={"targets": ("q", "v")})


def test_lora_patterns_that_match_nothing_or_no_linear_layer_are_errors(monkeypatch):
    kind = MODELS.get("ToyEncoder")
    monkeypatch.setattr(kind, "lora_targets", ("blocks.*.qkv",))
    with pytest.raises(ValueError, match=r"no layer of ToyEncoder matches its lora_targets \('blocks"):
        build(lora={})
    monkeypatch.setattr(kind, "lora_targets", ("stem.0",))
    with pytest.raises(ValueError, match=r"stem.0 of ToyEncoder is Conv2d; lora_targets must match linear layers"):
        build(lora={})


def test_checkpoints_are_saved_and_loaded(image, tmp_path):
    sam = build()
    with torch.no_grad():
        for value in sam.state_dict().values():
            if value.is_floating_point():
                value.uniform_(0.1, 1)
    torch.save({"state_dict": {f"refiner.sam.{k}": v for k, v in sam.state_dict().items()}}, tmp_path / "toy.pth")
    loaded = build(checkpoint=tmp_path / "toy.pth")
    assert all(torch.equal(v, sam.state_dict()[k]) for k, v in loaded.state_dict().items())
    # At another size: its own rule, here bilinear, and nothing else changes.
    larger = build(96, checkpoint=tmp_path / "toy.pth").state_dict()
    name = "image_encoder.position"
    expected = F.interpolate(sam.state_dict()[name], (12, 12), mode="bilinear")
    assert torch.equal(larger.pop(name), expected)
    assert all(torch.equal(v, sam.state_dict()[k]) for k, v in larger.items())


def test_files_of_other_encoders_are_named(tmp_path):
    torch.save(build().state_dict(), tmp_path / "toy.pth")
    torch.save(MODELS.build(tiny_sam(64)).state_dict(), tmp_path / "vit.pth")
    with pytest.raises(
        ValueError,
        match=r"(?s)does not fit this SAM, ToyEncoder of 32 channels at 64 px.* like ToyEncoder of 16 channels",
    ):
        build(encoder={"channels": 32}, checkpoint=tmp_path / "toy.pth")
    with pytest.raises(ValueError, match=r"another image encoder, ToyEncoder of 16 channels; .*type='ToyEncoder'"):
        MODELS.build(tiny_sam(64, checkpoint=tmp_path / "toy.pth"))
    with pytest.raises(
        ValueError, match=r"another image encoder, SAMViT with embed_dim=32.*; this SAM's is ToyEncoder"
    ):
        build(checkpoint=tmp_path / "vit.pth")


def test_its_embeddings_are_cached(image, tmp_path):
    sam = build(freeze=("image_encoder",))
    expected = sam.encode(sam.normalise(image)).features
    for _ in range(2):
        assert torch.equal(EmbeddingCache(tmp_path).encode(sam, image, ["a", "b"]).features, expected)
    assert isinstance(sam, SAM)
