"""`segment_anything`'s own SAM in the sizes of one of ours, to compare with."""

from functools import partial

from segment_anything.modeling import ImageEncoderViT, MaskDecoder, PromptEncoder, Sam, TwoWayTransformer
from torch import nn

from ultraref.models.sam import SAM


def build_package_sam(sam: SAM) -> Sam:
    """Builds the package's SAM, with new weights, in the sizes of a SAM around a `SAMViT`."""
    arch, size = sam.image_encoder.arch, sam.image_size
    encoder = ImageEncoderViT(
        img_size=size,
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
    prompts = PromptEncoder(arch.out_channels, (sam.embedding_size,) * 2, (size, size), mask_in_chans=16)
    ours = sam.mask_decoder.transformer
    decoder = MaskDecoder(
        transformer_dim=arch.out_channels,
        transformer=TwoWayTransformer(ours.depth, arch.out_channels, ours.num_heads, ours.mlp_dim),
        iou_head_hidden_dim=sam.mask_decoder.iou_prediction_head.layers[0].out_features,
    )
    return Sam(encoder, prompts, decoder)
