import pytest
import torch
from segment_anything import sam_model_registry

from ultraref.models.sam import ARCHS, SAM
from ultraref.models.sam.arch import describe, resolve_arch


@pytest.mark.parametrize("name", ["vit_b", "vit_l", "vit_h"])
def test_published_archs_have_the_packages_keys_and_shapes(name):
    with torch.device("meta"):
        ours, published = SAM(name).state_dict(), sam_model_registry[name]().state_dict()
    assert {k: v.shape for k, v in ours.items()} == {k: v.shape for k, v in published.items()}


def test_tiny_is_tiny():
    sam = SAM("tiny")
    assert 2.5e6 < sum(p.numel() for p in sam.parameters()) < 3.5e6
    assert (sam.image_size, sam.embedding_size, sam.mask_size, sam.embed_dim) == (256, 16, 64, 128)


def test_image_size_overrides():
    sam = SAM("tiny", image_size=128)
    assert (sam.image_size, sam.embedding_size, sam.mask_size) == (128, 8, 32)
    assert describe(sam.arch) == "tiny at 128 px"


def test_dict_is_completed_with_the_tiny_sizes():
    arch = resolve_arch({"depth": 2, "global_attn_indexes": [1]})
    assert (arch.depth, arch.global_attn_indexes, arch.embed_dim) == (2, (1,), ARCHS["tiny"].embed_dim)


@pytest.mark.parametrize(
    ("arch", "message"),
    [
        ("vit_s", "'vit_s' is not known; give one of vit_b, vit_l, vit_h, tiny"),
        ({"dept": 2}, "no size 'dept'. Did you mean 'depth'?"),
        ({"image_size": 250}, "image_size=250 must be a multiple of 16"),
        ({"num_heads": 5}, "embed_dim=192 must be a multiple of 5"),
    ],
)
def test_errors_say_what_is_allowed(arch, message):
    with pytest.raises(ValueError) as error:
        resolve_arch(arch)
    assert message in str(error.value)
