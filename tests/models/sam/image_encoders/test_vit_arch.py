import pytest
import torch
from segment_anything import sam_model_registry

from ultraref.models.sam import SAM, SAMViT
from ultraref.models.sam.image_encoders.vit_arch import ARCHS, resolve_arch

TINY_DECODER = {"type": "SAMMaskDecoder", "depth": 2, "num_heads": 4, "mlp_dim": 512, "iou_head_hidden_dim": 128}


@pytest.mark.parametrize("name", ["vit_b", "vit_l", "vit_h"])
def test_published_archs_have_the_packages_keys_and_shapes(name):
    with torch.device("meta"):
        ours = SAM({"type": "SAMViT", "arch": name})
        published = sam_model_registry[name]().state_dict()
    assert {k: v.shape for k, v in ours.state_dict().items()} == {k: v.shape for k, v in published.items()}
    assert ours.image_size == 1024
    assert ours.image_encoder.describe() == f"SAMViT {name} at 1024 px"


def test_tiny_is_tiny():
    sam = SAM({"type": "SAMViT", "arch": "tiny"}, TINY_DECODER)
    assert 2.5e6 < sum(p.numel() for p in sam.parameters()) < 3.5e6
    assert (sam.image_size, sam.embedding_size, sam.mask_size, sam.embed_dim) == (256, 16, 64, 128)


def test_image_size_overrides():
    sam = SAM({"type": "SAMViT", "arch": "tiny", "image_size": 128}, TINY_DECODER)
    assert (sam.image_size, sam.embedding_size, sam.mask_size) == (128, 8, 32)
    assert sam.image_encoder.describe() == "SAMViT tiny at 128 px"


def test_dict_is_completed_with_the_tiny_sizes():
    arch = resolve_arch({"depth": 2, "global_attn_indexes": [1]})
    assert (arch.depth, arch.global_attn_indexes, arch.embed_dim) == (2, (1,), ARCHS["tiny"].embed_dim)
    assert SAMViT({"depth": 2, "global_attn_indexes": [1]}).image_size == 256


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"arch": "vit_s"}, "'vit_s' is not known; give one of vit_b, vit_l, vit_h, tiny"),
        ({"arch": {"dept": 2}}, "no size 'dept'. Did you mean 'depth'?"),
        ({"arch": {"image_size": 128}}, "no size 'image_size'. It is an argument of SAMViT itself."),
        ({"arch": {"num_heads": 5}}, "embed_dim=192 must be a multiple of num_heads=5"),
        ({"arch": "tiny", "image_size": 250}, "image_size=250 must be a multiple of the arch's patch_size=16"),
        ({"arch": "tiny", "scale": "z-score"}, "'z-score' is not known; give 'imagenet' (SAM) or 'minmax'"),
    ],
)
def test_errors_say_what_is_allowed(options, message):
    with pytest.raises(ValueError) as error:
        SAMViT(**options)
    assert message in str(error.value)


def test_decoder_that_the_channels_do_not_fit_is_an_error():
    with pytest.raises(
        ValueError, match="gives 128 channels, which must be a multiple of 2 \\* num_heads, num_heads being 6"
    ):
        SAM({"type": "SAMViT", "arch": "tiny"}, {"type": "SAMMaskDecoder", "num_heads": 6})


def test_a_part_that_is_no_image_encoder_is_an_error():
    with pytest.raises(ValueError, match="image_encoder is SegDataPreprocessor, which is no image encoder of SAM"):
        SAM({"type": "SegDataPreprocessor"})
