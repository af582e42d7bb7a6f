"""Google's npz files: what fits is loaded exactly, what doesn't is refused before anything changes."""

import io
import zipfile

import numpy as np
import pytest
import torch

from ultraref import provenance
from ultraref.models.coarse.encoders import R50ViTEncoder
from ultraref.models.coarse.encoders.published_npz import PUBLISHED_URL, expected_shapes

TINY = {
    "image_size": 32,
    "layers": (1, 2, 1),
    "channels": (16, 32, 64),
    "stem_channels": 8,
    "norm_groups": 8,
    "embed_dim": 16,
    "depth": 2,
    "num_heads": 2,
}


def published_arrays(vit) -> dict[str, np.ndarray]:
    """Writes a hybrid's weights in the published layout, independently of timm's loader.

    JAX has convolutions as (height, width, in, out), dense layers as (in, out), and q, k and v apart, by head.
    """
    w = {name: tensor.detach().numpy() for name, tensor in vit.state_dict().items()}
    arrays = {}

    def conv(name, key):
        arrays[f"{name}/kernel"] = w[f"{key}.weight"].transpose(2, 3, 1, 0)

    def group_norm(name, key):
        arrays[f"{name}/scale"] = w[f"{key}.weight"].reshape(1, 1, 1, -1)
        arrays[f"{name}/bias"] = w[f"{key}.bias"].reshape(1, 1, 1, -1)

    def layer_norm(name, key):
        arrays[f"{name}/scale"], arrays[f"{name}/bias"] = w[f"{key}.weight"], w[f"{key}.bias"]

    def dense(name, key):
        arrays[f"{name}/kernel"], arrays[f"{name}/bias"] = w[f"{key}.weight"].T, w[f"{key}.bias"]

    resnet = "patch_embed.backbone"
    conv("conv_root", f"{resnet}.stem.conv")
    group_norm("gn_root", f"{resnet}.stem.norm")
    for i, stage in enumerate(vit.patch_embed.backbone.stages):
        for j, _ in enumerate(stage.blocks):
            name, key = f"block{i + 1}/unit{j + 1}", f"{resnet}.stages.{i}.blocks.{j}"
            for k in (1, 2, 3):
                conv(f"{name}/conv{k}", f"{key}.conv{k}")
                group_norm(f"{name}/gn{k}", f"{key}.norm{k}")
            if j == 0:
                conv(f"{name}/conv_proj", f"{key}.downsample.conv")
                group_norm(f"{name}/gn_proj", f"{key}.downsample.norm")
    conv("embedding", "patch_embed.proj")
    arrays["embedding/bias"] = w["patch_embed.proj.bias"]
    arrays["cls"] = w["cls_token"]
    arrays["Transformer/posembed_input/pos_embedding"] = w["pos_embed"]
    layer_norm("Transformer/encoder_norm", "norm")
    heads, dim = vit.blocks[0].attn.num_heads, vit.embed_dim
    for i in range(len(vit.blocks)):
        name, key = f"Transformer/encoderblock_{i}", f"blocks.{i}"
        layer_norm(f"{name}/LayerNorm_0", f"{key}.norm1")
        layer_norm(f"{name}/LayerNorm_2", f"{key}.norm2")
        attention = f"{name}/MultiHeadDotProductAttention_1"
        for part, weight, bias in zip(
            ("query", "key", "value"), np.split(w[f"{key}.attn.qkv.weight"], 3), np.split(w[f"{key}.attn.qkv.bias"], 3)
        ):
            arrays[f"{attention}/{part}/kernel"] = weight.T.reshape(dim, heads, dim // heads)
            arrays[f"{attention}/{part}/bias"] = bias.reshape(heads, dim // heads)
        arrays[f"{attention}/out/kernel"] = w[f"{key}.attn.proj.weight"].T.reshape(heads, dim // heads, dim)
        arrays[f"{attention}/out/bias"] = w[f"{key}.attn.proj.bias"]
        dense(f"{name}/MlpBlock_3/Dense_0", f"{key}.mlp.fc1")
        dense(f"{name}/MlpBlock_3/Dense_1", f"{key}.mlp.fc2")
    # What the published file has beyond the encoder: the classifier of ImageNet-21k.
    arrays["pre_logits/kernel"], arrays["pre_logits/bias"] = np.zeros((dim, dim)), np.zeros(dim)
    arrays["head/kernel"], arrays["head/bias"] = np.zeros((dim, 21843), np.float32), np.zeros(21843, np.float32)
    return {name: np.ascontiguousarray(array) for name, array in arrays.items()}


def random_encoder(seed, **change):
    """An encoder whose every weight, also biases and norms, is random, so that a weight that isn't loaded shows."""
    torch.manual_seed(seed)
    encoder = R50ViTEncoder(**{**TINY, **change}).eval()
    with torch.no_grad():
        for parameter in encoder.parameters():
            parameter.normal_()
    return encoder


@pytest.fixture
def source():
    return random_encoder(0)


@pytest.fixture
def arrays(source):
    return published_arrays(source.vit)


def save(path, arrays):
    np.savez(path, **arrays)
    return path


def test_every_weight_is_loaded(tmp_path, source, arrays):
    loaded = R50ViTEncoder(**TINY, pretrained=save(tmp_path / "source.npz", arrays)).eval()
    for name, weight in source.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], weight), name
    image = torch.rand(1, 1, 32, 32)
    for ours, theirs in zip(loaded(image), source(image)):
        assert torch.equal(ours, theirs)


def test_published_weights_are_noted_by_their_name(tmp_path, arrays):
    loaded = R50ViTEncoder(**TINY, pretrained=save(tmp_path / "R50+ViT-B_16.npz", arrays))
    assert list(provenance.collect_weights(loaded)) == ["r50_vit_b_16"]
    assert provenance.collect_weights(R50ViTEncoder(**TINY)) == {}


def test_expected_shapes_are_those_of_the_published_file():
    """Spot values of R50+ViT-B_16.npz: 14 x 14 patches and a class token, 12 heads of 64 channels, MLP of 3072."""
    with torch.device("meta"):
        shapes = expected_shapes(R50ViTEncoder().vit)
    assert shapes["conv_root/kernel"] == (7, 7, 3, 64)
    assert shapes["block1/unit1/conv_proj/kernel"] == (1, 1, 64, 256)
    assert shapes["block3/unit9/conv2/kernel"] == (3, 3, 256, 256)
    assert "block3/unit10/conv2/kernel" not in shapes
    assert shapes["embedding/kernel"] == (1, 1, 1024, 768)
    assert shapes["Transformer/posembed_input/pos_embedding"] == (1, 197, 768)
    block = "Transformer/encoderblock_11"
    assert shapes[f"{block}/MultiHeadDotProductAttention_1/query/kernel"] == (768, 12, 64)
    assert shapes[f"{block}/MultiHeadDotProductAttention_1/out/kernel"] == (12, 64, 768)
    assert shapes[f"{block}/MlpBlock_3/Dense_0/kernel"] == (768, 3072)


def test_position_embedding_is_resized_to_the_image_size(tmp_path, arrays):
    """Bilinear from a 2 x 2 to a 4 x 4 grid: centres at 1/4 and 3/4 of a step, clamped at the border."""
    dim = TINY["embed_dim"]
    grid = np.array([[0.0, 4.0], [8.0, 12.0]], np.float32)
    arrays["Transformer/posembed_input/pos_embedding"] = np.concatenate(
        [np.full((1, 1, dim), 7.0, np.float32), np.tile(grid.reshape(1, 4, 1), (1, 1, dim))], axis=1
    )
    encoder = R50ViTEncoder(**{**TINY, "image_size": 64}, pretrained=save(tmp_path / "small.npz", arrays))
    loaded = encoder.vit.pos_embed.detach()
    assert (loaded[0, 0] == 7).all()
    steps = torch.tensor([0.0, 0.25, 0.75, 1.0])
    expected = steps[:, None] * 8 + steps[None, :] * 4
    assert torch.allclose(loaded[0, 1:, 3].reshape(4, 4), expected, atol=1e-5)


def test_missing_file_says_where_it_is_published(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere") as error:
        R50ViTEncoder(**TINY, pretrained=tmp_path / "nowhere.npz")
    assert PUBLISHED_URL in str(error.value)


def test_plain_vit_is_recognised(tmp_path, arrays):
    plain = {name: a for name, a in arrays.items() if not name.startswith(("conv_root", "gn_root", "block"))}
    dim = 768
    plain["embedding/kernel"] = np.zeros((16, 16, 3, dim), np.float32)
    for i in range(12):
        plain[f"Transformer/encoderblock_{i}/LayerNorm_0/scale"] = np.zeros(dim)
    with pytest.raises(ValueError, match=r"seems to hold ViT-B_16 or B_32 \(no ResNet") as error:
        R50ViTEncoder(**TINY, pretrained=save(tmp_path / "vit.npz", plain))
    assert "missing in the file: conv_root/kernel" in str(error.value)


def test_bit_resnet_is_recognised(tmp_path):
    path = save(tmp_path / "bit.npz", {"resnet/root_block/standardized_conv2d/kernel": np.zeros((7, 7, 3, 64))})
    with pytest.raises(ValueError, match="BiT ResNet"):
        R50ViTEncoder(**TINY, pretrained=path)


def test_training_checkpoint_is_recognised(tmp_path, arrays):
    path = save(tmp_path / "training.npz", {f"opt/target/{name}": a for name, a in arrays.items()})
    with pytest.raises(ValueError, match="training checkpoint"):
        R50ViTEncoder(**TINY, pretrained=path)


def test_larger_model_is_not_cut_to_size(tmp_path):
    """timm's loader would take the first blocks of a deeper model without a word."""
    deeper = published_arrays(random_encoder(1, depth=3, layers=(1, 2, 2)).vit)
    with pytest.raises(
        ValueError, match=r"ResNet blocks \(1, 2, 2\), transformer of 3 blocks and 16 channels"
    ) as error:
        R50ViTEncoder(**TINY, pretrained=save(tmp_path / "deeper.npz", deeper))
    assert "in the file but not in the model: block3/unit2/conv1/kernel" in str(error.value)
    assert ", ..." in str(error.value)


def test_shapes_are_compared(tmp_path):
    wider = published_arrays(random_encoder(1, num_heads=4).vit)
    with pytest.raises(ValueError, match=r"query/kernel is \(16, 4, 4\) in the file, \(16, 2, 8\) in the model"):
        R50ViTEncoder(**TINY, pretrained=save(tmp_path / "heads.npz", wider))


def test_position_embedding_of_no_square_grid_is_refused(tmp_path, arrays):
    arrays["Transformer/posembed_input/pos_embedding"] = np.zeros((1, 4, 16), np.float32)
    with pytest.raises(ValueError, match=r"pos_embedding is \(1, 4, 16\) in the file"):
        R50ViTEncoder(**TINY, pretrained=save(tmp_path / "grid.npz", arrays))


def test_other_kinds_of_file_are_refused(tmp_path):
    torch_file, array_file, pickled = tmp_path / "model.pth", tmp_path / "array.npy", tmp_path / "pickled.npz"
    torch.save({"weight": torch.zeros(2)}, torch_file)
    np.save(array_file, np.zeros(3))
    np.savez(pickled, cls=np.array([{"a": 1}], dtype=object))
    (tmp_path / "text.npz").write_text("not found")
    for path in (torch_file, array_file, pickled, tmp_path / "text.npz"):
        with pytest.raises(ValueError, match=path.name):
            R50ViTEncoder(**TINY, pretrained=path)


def test_sizes_that_an_array_claims_are_compared_with_the_file(tmp_path):
    path = tmp_path / "weights.npz"
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, {"descr": "<f4", "fortran_order": False, "shape": (1 << 45,)})
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("cls.npy", buffer.getvalue() + bytes(16))
    with pytest.raises(ValueError, match=r"cls\.npy claims \(35184372088832,\) float32, but holds 144 bytes"):
        R50ViTEncoder(**TINY, pretrained=str(path))


def test_numbers_that_are_not_finite_are_refused(tmp_path):
    arrays = published_arrays(R50ViTEncoder(**TINY).vit)
    arrays["cls"] = np.full_like(arrays["cls"], np.nan)
    np.savez(tmp_path / "weights.npz", **arrays)
    with pytest.raises(ValueError, match="numbers that aren't finite, in 1 arrays: cls"):
        R50ViTEncoder(**TINY, pretrained=str(tmp_path / "weights.npz"))
