"""The same SAM twice: ours, and `segment_anything`'s with the same weights."""

from functools import partial

import pytest
import torch
from segment_anything.modeling import ImageEncoderViT, MaskDecoder, PromptEncoder, Sam, TwoWayTransformer
from torch import nn

from ultraref.models.sam import SAM


def build_published(arch) -> Sam:
    encoder = ImageEncoderViT(
        img_size=arch.image_size,
        patch_size=arch.patch_size,
        embed_dim=arch.embed_dim,
        depth=arch.depth,
        num_heads=arch.num_heads,
        mlp_ratio=arch.mlp_ratio,
        out_chans=arch.out_chans,
        norm_layer=partial(nn.LayerNorm, eps=1e-6),
        use_rel_pos=True,
        window_size=arch.window_size,
        global_attn_indexes=arch.global_attn_indexes,
    )
    side = (arch.embedding_size, arch.embedding_size)
    prompts = PromptEncoder(arch.out_chans, side, (arch.image_size, arch.image_size), mask_in_chans=16)
    transformer = TwoWayTransformer(arch.decoder_depth, arch.out_chans, arch.decoder_heads, arch.decoder_mlp_dim)
    decoder = MaskDecoder(
        transformer_dim=arch.out_chans, transformer=transformer, iou_head_hidden_dim=arch.iou_head_hidden_dim
    )
    return Sam(encoder, prompts, decoder).eval()


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
        ours = SAM(arch, **{"freeze": (), **settings}).eval()
        randomise(ours)
        published = build_published(ours.arch)
        published.load_state_dict(ours.state_dict(), strict=True)
        return ours, published

    return build


@pytest.fixture
def published_of():
    return build_published
