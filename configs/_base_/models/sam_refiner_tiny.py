# SAM with small numbers at 128 px, from scratch, all of it trained: for the quick start and tests, on a CPU.
sam_size = 128
refiner = dict(
    type="SAMRefiner",
    sam=dict(
        type="SAM",
        arch=dict(
            image_size=sam_size,
            patch_size=8,
            embed_dim=96,
            depth=4,
            num_heads=3,
            window_size=8,
            global_attn_indexes=(1, 3),
            out_chans=64,
            decoder_depth=2,
            decoder_heads=4,
            decoder_mlp_dim=256,
            iou_head_hidden_dim=64,
        ),
        checkpoint=None,
        freeze=[],
    ),
    prob_transforms=[dict(type="ProbFloor", floor=0.05)],
    roi=dict(type="LesionROICropper", expand_ratio=0.5),
    prompts=[
        dict(type="PointPromptGenerator", negative="far_corner"),
        dict(type="BoxPromptGenerator"),
        dict(type="MaskPromptGenerator", style="direct"),
    ],
    selection="best",
)
