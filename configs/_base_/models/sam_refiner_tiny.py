# SAM with small numbers at 128 px, from scratch, all of it trained: for the quick start and tests, on a CPU.
sam_size = 128
refiner = dict(
    type="SAMRefiner",
    sam=dict(
        type="SAM",
        image_encoder=dict(
            type="SAMViT",
            arch=dict(
                patch_size=8,
                embed_dim=64,
                depth=2,
                num_heads=2,
                window_size=8,
                global_attn_indexes=(1,),
                out_channels=64,
            ),
            image_size=sam_size,
        ),
        mask_decoder=dict(type="SAMMaskDecoder", num_heads=4, mlp_dim=256, iou_head_hidden_dim=64),
        checkpoint=None,
        freeze=[],
    ),
    # The options that tools/measure_prompts.py favours on BUSI (docs/explanation/prompts-and-roi.md); the reference has no
    # floor, power 1, 2.5 std and no cap.
    prob_transforms=[dict(type="ProbFloor", floor=0.2)],
    roi=dict(type="LesionROICropper", expand_ratio=0.5, cap=True),
    prompts=[
        dict(type="PointPromptGenerator", power=2, negative="far_corner"),
        dict(type="BoxPromptGenerator", num_std=2.0),
        dict(type="MaskPromptGenerator", style="direct"),
    ],
    selection="best",
)
