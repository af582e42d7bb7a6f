"""Google's published R50+ViT weights (.npz): a check by names and shapes, then timm's own loader.

timm's loader reads the arrays that the model needs and ignores the rest, so a file of another model either stops in the
middle with a bare KeyError or shape error, or, when the other model is the larger one, loads without a word.
"""

import math
import re
import zlib
from pathlib import Path
from zipfile import BadZipFile, ZipFile

import numpy as np
from timm.models.vision_transformer import VisionTransformer

from ultraref.datasets.readers.npy import read_header
from ultraref.errors import MissingFileError, UserError
from ultraref.models.checkpoint_loading import compare_shapes

PUBLISHED_URL = "https://storage.googleapis.com/vit_models/imagenet21k/R50%2BViT-B_16.npz"
_POSITION_EMBEDDING = "Transformer/posembed_input/pos_embedding"
# Not part of an encoder, whatever the file: the two layers after the transformer that classify.
_CLASSIFIER = ("head/", "pre_logits/")
# What the published files of this layout hold: (units of each ResNet block, channels of the transformer, its depth).
_PUBLISHED_MODELS = {
    ((3, 4, 9), 768, 12): "R50+ViT-B_16",
    ((3, 4, 6, 3), 1024, 24): "R50+ViT-L_32",
    ((2, 2, 2, 2), 384, 12): "R26+ViT-S_32",
    ((), 192, 12): "ViT-Ti_16",
    ((), 384, 12): "ViT-S_16 or S_32",
    ((), 768, 12): "ViT-B_16 or B_32",
    ((), 1024, 24): "ViT-L_16 or L_32",
    ((), 1280, 32): "ViT-H_14",
}


def load_published_npz(vit: VisionTransformer, path: Path) -> None:
    """Loads `path` into a hybrid, in place, after checking that it is a file of this model.

    Args:
        vit: A timm vision transformer with a ResNetV2 below it.
        path: A file in the layout of Google's `R50+ViT-B_16.npz`. The position embedding may be of another (square)
            grid; timm resizes it.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it isn't such a file, or of another model; names the first arrays that differ.
    """
    if not path.is_file():
        raise MissingFileError(
            f"the pretrained weights {path} don't exist. They are published at {PUBLISHED_URL}; "
            "download the file and set `pretrained` to its path, or set it to None for random weights"
        )
    found = _read_shapes(path)
    relevant = {name: shape for name, shape in found.items() if not name.startswith(_CLASSIFIER)}
    differences = compare_shapes(expected_shapes(vit), relevant, fits=_fits)
    if differences:
        raise UserError(
            f"{path} can't be loaded into this R50ViTEncoder: it {_guess(found)}.\n{differences}\n"
            f"The default R50ViTEncoder takes R50+ViT-B_16.npz of {PUBLISHED_URL}"
        )
    vit.load_pretrained(str(path))


def expected_shapes(vit: VisionTransformer) -> dict[str, tuple[int, ...]]:
    """Returns name and shape of each array that the published layout has for `vit`.

    Convolutions are (height, width, in, out), dense layers (in, out), the attention's (embed_dim, heads, head_dim) and
    (heads, head_dim, embed_dim).
    """
    shapes = {}

    def convolution(name, layer):
        out_channels, in_channels, height, width = layer.weight.shape
        shapes[f"{name}/kernel"] = (height, width, in_channels, out_channels)

    def norm(name, layer):
        shapes[f"{name}/scale"] = shapes[f"{name}/bias"] = tuple(layer.weight.shape)

    def dense(name, layer):
        shapes[f"{name}/kernel"] = (layer.in_features, layer.out_features)
        shapes[f"{name}/bias"] = (layer.out_features,)

    resnet = vit.patch_embed.backbone
    convolution("conv_root", resnet.stem.conv)
    norm("gn_root", resnet.stem.norm)
    for i, stage in enumerate(resnet.stages, start=1):
        for j, unit in enumerate(stage.blocks, start=1):
            prefix = f"block{i}/unit{j}"
            for k in (1, 2, 3):
                convolution(f"{prefix}/conv{k}", getattr(unit, f"conv{k}"))
                norm(f"{prefix}/gn{k}", getattr(unit, f"norm{k}"))
            if unit.downsample is not None:
                convolution(f"{prefix}/conv_proj", unit.downsample.conv)
                norm(f"{prefix}/gn_proj", unit.downsample.norm)

    dim = vit.embed_dim
    convolution("embedding", vit.patch_embed.proj)
    shapes["embedding/bias"] = (dim,)
    shapes["cls"] = (1, 1, dim)
    shapes[_POSITION_EMBEDDING] = tuple(vit.pos_embed.shape)
    norm("Transformer/encoder_norm", vit.norm)
    for i, block in enumerate(vit.blocks):
        prefix = f"Transformer/encoderblock_{i}"
        norm(f"{prefix}/LayerNorm_0", block.norm1)
        norm(f"{prefix}/LayerNorm_2", block.norm2)
        attention = f"{prefix}/MultiHeadDotProductAttention_1"
        heads = (block.attn.num_heads, dim // block.attn.num_heads)
        for name in ("query", "key", "value"):
            shapes[f"{attention}/{name}/kernel"] = (dim, *heads)
            shapes[f"{attention}/{name}/bias"] = heads
        shapes[f"{attention}/out/kernel"] = (*heads, dim)
        shapes[f"{attention}/out/bias"] = (dim,)
        dense(f"{prefix}/MlpBlock_3/Dense_0", block.mlp.fc1)
        dense(f"{prefix}/MlpBlock_3/Dense_1", block.mlp.fc2)
    return shapes


def _read_shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """Returns name and shape of each array in the file, without unpickling anything.

    Raises:
        ValueError: not an .npz file of plain arrays, or one holds numbers that aren't finite.
    """
    try:
        _check_sizes(path)
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except (
        ValueError,
        OSError,
        EOFError,
        BadZipFile,
        AttributeError,
        TypeError,
        NotImplementedError,
        zlib.error,
    ) as error:
        raise UserError(
            f"{path} is not an .npz archive of plain arrays ({error}). R50ViTEncoder takes the file published at "
            f"{PUBLISHED_URL}; weights in PyTorch's format are loaded by the runner's `load_from`"
        ) from error
    broken = [name for name, array in arrays.items() if array.dtype.kind == "f" and not np.isfinite(array).all()]
    if broken:
        raise UserError(f"{path} holds numbers that aren't finite, in {len(broken)} arrays: {', '.join(broken[:4])}")
    return {name: array.shape for name, array in arrays.items()}


def _check_sizes(path: Path) -> None:
    """Compares the size of each array with that of its member of the archive: NumPy takes memory for whatever one claims."""
    with ZipFile(path) as archive:
        for info in archive.infolist():
            with archive.open(info) as member:
                shape, _, dtype = read_header(member, path)
            if math.prod(shape) * dtype.itemsize > info.file_size:
                raise ValueError(f"{info.filename} claims {shape} {dtype}, but holds {info.file_size} bytes")


def _fits(name: str, found: tuple[int, ...], expected: tuple[int, ...]) -> bool:
    if name == _POSITION_EMBEDDING:
        side = round((found[1] - 1) ** 0.5) if len(found) == 3 else 0
        return len(found) == 3 and found[0] == 1 and found[1] == side**2 + 1 and found[2] == expected[2]
    # The published group norms are (1, 1, 1, channels).
    return found == expected or (len(expected) == 1 and found == (1, 1, 1, *expected))


def _guess(found: dict[str, tuple]) -> str:
    """Says what the file seems to hold, as the end of a sentence that starts with "it"."""
    if any(name.startswith("resnet/") for name in found):
        return "seems to hold a BiT ResNet, which has no transformer"
    if any(name.startswith(("opt/target/", "params/")) for name in found):
        return "seems to be a training checkpoint (names start with 'opt/target/' or 'params/'), not the published file"
    depth = len({m[1] for m in (re.match(r"Transformer/encoderblock_(\d+)/", name) for name in found) if m})
    if not depth or "embedding/kernel" not in found:
        return "holds no vision transformer in the published layout"
    units = {m.groups() for m in (re.match(r"block(\d+)/unit(\d+)/", name) for name in found) if m}
    blocks = sorted({int(block) for block, _ in units})
    layers = tuple(sum(int(b) == block for b, _ in units) for block in blocks)
    dim = found["embedding/kernel"][-1]
    name = _PUBLISHED_MODELS.get((layers, dim, depth))
    parts = f"{f'ResNet blocks {layers}' if layers else 'no ResNet'}, transformer of {depth} blocks and {dim} channels"
    return f"seems to hold {name} ({parts})" if name else f"holds a model that is not published ({parts})"
