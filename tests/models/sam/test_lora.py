import pytest
import torch
from torch import nn

from ultraref.models.sam import SAM, load_lora, lora_layers, lora_state_dict, save_lora
from ultraref.models.sam.lora import LoRALinear, LoRAQKV


@pytest.fixture
def adapted(build_sam):
    """Builds a small SAM whose adapters have left their start."""

    def build(seed=0, **settings):
        torch.manual_seed(seed)
        sam = build_sam(lora=dict(rank=2, alpha=3.0, **settings)).eval()
        with torch.no_grad():
            for layer in lora_layers(sam):
                layer.lora_b.normal_()
        return sam

    return build


@pytest.fixture
def image():
    return torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(1))


def test_vit_b_has_147456_parameters():
    # 12 blocks * 4 * (768 + 2304)
    with torch.device("meta"):
        sam = SAM({"type": "SAMViT", "arch": "vit_b"}, lora={"rank": 4, "alpha": 4.0})
    assert sum(p.numel() for p in sam.image_encoder.parameters() if p.requires_grad) == 147_456


@pytest.mark.parametrize("targets", [("qkv",), ("q", "v"), "v"])
def test_starts_at_the_identity(build_sam, image, targets):
    torch.manual_seed(0)
    sam = build_sam(lora={"targets": targets}).eval()
    plain = build_sam().eval()
    plain.load_state_dict({k: v for k, v in sam.state_dict().items() if "lora" not in k}, strict=True)
    assert torch.equal(sam.encode(image).features, plain.encode(image).features)


@pytest.mark.parametrize("targets", [("qkv",), ("q", "v"), ("k",)])
def test_adds_the_low_rank_product(targets):
    torch.manual_seed(0)
    settings = dict(rank=2, alpha=3.0, dropout=0.0)
    linear = nn.Linear(6, 18)
    layer = LoRALinear(linear, **settings) if targets == ("qkv",) else LoRAQKV(linear, **settings, targets=targets)
    layer = layer.double()
    with torch.no_grad():
        layer.lora_b.normal_()
    x = torch.randn(5, 6, dtype=torch.float64)
    expected = x @ layer.weight.T + layer.bias
    for i, target in enumerate(targets):
        product = 1.5 * x @ layer.lora_a[i].T @ layer.lora_b[i].T
        start, stop = {"qkv": (0, 18), "q": (0, 6), "k": (6, 12), "v": (12, 18)}[target]
        expected[:, start:stop] += product
    torch.testing.assert_close(layer(x), expected)
    torch.testing.assert_close(x @ (layer.weight + layer.delta()).T + layer.bias, expected)


def test_only_the_adapters_learn(adapted, image):
    sam = adapted().train()
    sam.freeze("prompt_encoder", "mask_decoder")
    before = {k: v.clone() for k, v in sam.state_dict().items()}
    optimizer = torch.optim.AdamW([p for p in sam.parameters() if p.requires_grad], lr=0.1)
    sam.encode(image).features.square().sum().backward()
    optimizer.step()
    changed = {k for k, v in sam.state_dict().items() if not torch.equal(v, before[k])}
    assert changed == lora_state_dict(sam).keys()


@pytest.mark.parametrize("targets", [("qkv",), ("q", "v")])
def test_merging_is_exact_and_reversible(adapted, image, targets):
    sam = adapted(targets=targets).double()
    image = image.double()
    expected, weights = sam.encode(image).features, sam.image_encoder.blocks[0].attn.qkv.weight.clone()
    for layer in lora_layers(sam):
        layer.merge()
        layer.merge()  # merging twice adds once
    assert not torch.equal(sam.image_encoder.blocks[0].attn.qkv.weight, weights)
    torch.testing.assert_close(sam.encode(image).features, expected, rtol=1e-10, atol=1e-10)
    for layer in lora_layers(sam):
        layer.unmerge()
        layer.unmerge()
    torch.testing.assert_close(sam.image_encoder.blocks[0].attn.qkv.weight, weights, rtol=1e-14, atol=1e-14)
    torch.testing.assert_close(sam.encode(image).features, expected, rtol=1e-10, atol=1e-10)


def test_merged_state_dict_is_the_same_function(adapted, image, published_of):
    sam = adapted()
    published = published_of(sam)
    published.load_state_dict(sam.merged_state_dict(), strict=True)
    torch.testing.assert_close(published.image_encoder(image), sam.encode(image).features, rtol=1e-4, atol=1e-4)
    assert not any(layer.merged for layer in lora_layers(sam))


def test_dropout_acts_while_training_only(adapted, image):
    sam = adapted(dropout=0.5)
    assert torch.equal(sam.encode(image).features, sam.encode(image).features)
    sam.train()
    assert not torch.equal(sam.encode(image).features, sam.encode(image).features)


def test_adapters_are_saved_and_loaded_alone(adapted, tmp_path, image):
    sam, other = adapted(0), adapted(1)
    save_lora(sam, tmp_path / "lora.pth")
    assert len(torch.load(tmp_path / "lora.pth", weights_only=True)) == 4
    other.load_state_dict({k: v for k, v in sam.state_dict().items() if "lora" not in k}, strict=False)
    assert not torch.equal(other.encode(image).features, sam.encode(image).features)
    load_lora(other, tmp_path / "lora.pth")
    assert torch.equal(other.encode(image).features, sam.encode(image).features)


def test_adapters_of_another_rank_are_refused(adapted, build_sam, tmp_path):
    save_lora(adapted(), tmp_path / "lora.pth")
    with pytest.raises(
        ValueError, match=r"4 of another shape: .* is \(1, 2, 32\) in the file, \(1, 4, 32\) in the model"
    ):
        load_lora(build_sam(lora={"rank": 4}), tmp_path / "lora.pth")


def test_merged_adapters_refuse_loading(adapted, tmp_path):
    sam = adapted()
    save_lora(sam, tmp_path / "lora.pth")
    lora_layers(sam)[0].merge()
    with pytest.raises(ValueError, match="call unmerge"):
        load_lora(sam, tmp_path / "lora.pth")


def test_checkpoints_with_and_without_adapters(adapted, build_sam, tmp_path):
    sam = adapted()
    torch.save(sam.state_dict(), tmp_path / "with.pth")
    loaded = build_sam(checkpoint=tmp_path / "with.pth", lora={"rank": 2})
    assert torch.equal(lora_layers(loaded)[0].lora_b, lora_layers(sam)[0].lora_b)
    with pytest.raises(ValueError, match="holds LoRA adapters: give SAM the `lora` settings"):
        build_sam(checkpoint=tmp_path / "with.pth")
    torch.save(sam.merged_state_dict(), tmp_path / "without.pth")
    loaded = build_sam(checkpoint=tmp_path / "without.pth", lora={"rank": 2})
    assert not any(layer.lora_b.any() for layer in lora_layers(loaded))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"rank": 0}, "rank must be at least 1"),
        ({"dropout": 1.0}, r"dropout must be in \[0, 1\)"),
        ({"targets": ("qkv", "q")}, r"\('qkv',\) or some of"),
        ({"targets": ()}, r"\('qkv',\) or some of"),
    ],
)
def test_settings_out_of_range(build_sam, settings, message):
    with pytest.raises(ValueError, match=message):
        build_sam(lora=settings)
