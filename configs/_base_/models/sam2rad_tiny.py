# SAM2Rad with small numbers at 128 px, from scratch, all of it trained: for phantoms and tests, on a CPU.
sam2rad = dict(
    type="SAM2RadSegmentor",
    data_preprocessor=dict(type="SegDataPreprocessor"),
    sam=dict(
        type="SAM",
        image_encoder=dict(
            type="SAMViT",
            arch=dict(
                patch_size=8,
                embed_dim=96,
                depth=4,
                num_heads=3,
                window_size=8,
                global_attn_indexes=(1, 3),
                out_channels=64,
            ),
            image_size=128,
        ),
        mask_decoder=dict(type="SAMMaskDecoder", num_heads=4, mlp_dim=256, iou_head_hidden_dim=64),
        checkpoint=None,
        freeze=[],
    ),
    prompt_predictor=dict(type="PPN", num_points=7, head="heatmap", hidden_dim=64, labels="soft"),
    losses=dict(
        mask=dict(type="FocalDiceLoss", focal_weight=1.0, dice_weight=1.0, alpha=0.25, gamma=2.0),
        # Linear from 6 px on: the parabola of beta = 1 pulls too weakly for so few epochs.
        points=dict(type="PointCoordinateLoss", beta=0.05),
        labels=dict(type="PointLabelLoss"),
    ),
    loss_weights=dict(mask=1.0, points=0.3, labels=0.1),
)
