"""Configs of models that train in seconds on a CPU. Their classes are those of the full models; only sizes are small."""


def tiny_network(size: int = 32) -> dict:
    """Config of a TransUNet of a few thousand parameters for images of `size` px (a multiple of 16)."""
    return dict(
        type="EncoderDecoder",
        image_size=size,
        encoder=dict(
            type="R50ViTEncoder",
            pretrained=None,
            layers=(1, 1, 1),
            channels=(16, 16, 32),
            stem_channels=8,
            norm_groups=4,
            embed_dim=32,
            depth=1,
            num_heads=2,
            dropout=0.0,
        ),
        decoder=dict(type="CascadedUpsampler", channels=(16, 16, 8, 8), head_channels=16),
    )


def tiny_sam(size: int = 64, **options) -> dict:
    """Config of a SAM of about 100,000 parameters for images of `size` px (a multiple of 16).

    Args:
        size: side of SAM's input; the mask size is a quarter of it.
        options: further arguments of `SAM`; by default nothing is frozen.
    """
    sam = dict(
        type="SAM",
        image_encoder=dict(
            type="SAMViT",
            arch=dict(
                embed_dim=32,
                depth=2,
                num_heads=2,
                window_size=3,
                global_attn_indexes=(1,),
                out_channels=32,
            ),
            image_size=size,
        ),
        mask_decoder=dict(type="SAMMaskDecoder", num_heads=2, mlp_dim=64, iou_head_hidden_dim=32),
        checkpoint=None,
        freeze=[],
    )
    return dict(sam, **options)


def tiny_refiner(size: int = 64, **options) -> dict:
    """Config of a `SAMRefiner` around `tiny_sam`, with all three prompts and an ROI."""
    refiner = dict(
        type="SAMRefiner",
        sam=tiny_sam(size),
        roi=dict(type="LesionROICropper", expand_ratio=0.5),
        prompts=dict(
            points=dict(type="PointPromptGenerator", negative="far_corner"),
            box=dict(type="BoxPromptGenerator"),
            mask=dict(type="MaskPromptGenerator", style="direct"),
        ),
    )
    return dict(refiner, **options)


def tiny_refinement(coarse_size: int = 32, sam_size: int = 64, **options) -> dict:
    """Config of a `RefinementSegmentor` as in phase 3, of the parts above."""
    model = dict(
        type="RefinementSegmentor",
        data_preprocessor=dict(type="SegDataPreprocessor"),
        coarse_source=dict(type="FromNetwork", network=tiny_network(coarse_size)),
        refiner=tiny_refiner(sam_size),
        gate=dict(type="ConstantGate", value=1.0),
        losses=dict(coarse=dict(type="CEDiceLoss"), refined=dict(type="BCEDiceLoss")),
        loss_weights=dict(coarse=0.1, refined=0.9),
    )
    return dict(model, **options)


def tiny_sam2rad(size: int = 64, **options) -> dict:
    """Config of a `SAM2RadSegmentor` around `tiny_sam`, whose image encoder is frozen, with points and the loss of masks."""
    model = dict(
        type="SAM2RadSegmentor",
        data_preprocessor=dict(type="SegDataPreprocessor"),
        sam=tiny_sam(size, freeze=["image_encoder"]),
        prompt_predictor=dict(type="PPN", num_points=3, hidden_dim=8),
        losses=dict(mask=dict(type="FocalDiceLoss", focal_weight=1.0, dice_weight=1.0)),
        loss_weights=dict(mask=1.0),
    )
    return dict(model, **options)
