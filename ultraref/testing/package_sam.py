"""The published SAM in the sizes of one of ours, to compare with: `segment_anything`'s, around its ViT or the published TinyViT."""

from functools import partial

from segment_anything.modeling import ImageEncoderViT, MaskDecoder, PromptEncoder, Sam, TwoWayTransformer
from torch import nn

from ultraref.models.sam import SAM
from ultraref.models.sam.image_encoders import SAMViT, TinyViT
from ultraref.testing.package_tiny_vit import build_package_tiny_vit


def build_package_sam(sam: SAM) -> Sam:
    """Builds the package's SAM, with new weights, in the sizes of a SAM around a `SAMViT` or a published `TinyViT`.

    Raises:
        UserError: see `build_package_tiny_vit`.
    """
    ours, channels, size = sam.image_encoder, sam.embed_dim, sam.image_size
    encoder = build_package_tiny_vit(ours) if isinstance(ours, TinyViT) else _build_vit(ours)
    prompts = PromptEncoder(channels, (sam.embedding_size,) * 2, (size, size), mask_in_chans=16)
    transformer = sam.mask_decoder.transformer
    decoder = MaskDecoder(
        transformer_dim=channels,
        transformer=TwoWayTransformer(transformer.depth, channels, transformer.num_heads, transformer.mlp_dim),
        iou_head_hidden_dim=sam.mask_decoder.iou_prediction_head.layers[0].out_features,
    )
    return Sam(encoder, prompts, decoder)


def _build_vit(encoder: SAMViT) -> ImageEncoderViT:
    arch = encoder.arch
    return ImageEncoderViT(
        img_size=encoder.image_size,
        patch_size=arch.patch_size,
        embed_dim=arch.embed_dim,
        depth=arch.depth,
        num_heads=arch.num_heads,
        mlp_ratio=arch.mlp_ratio,
        out_chans=arch.out_channels,
        norm_layer=partial(nn.LayerNorm, eps=1e-6),
        use_rel_pos=True,
        window_size=arch.window_size,
        global_attn_indexes=arch.global_attn_indexes,
    )
