# SAM ViT-B at 1024 px behind an ROI crop with points, box and a direct mask prompt (reference 2.1 to 2.4, and phase 2).
sam_size = 1024
refiner = dict(
    type="SAMRefiner",
    sam=dict(
        type="SAM",
        image_encoder=dict(type="SAMViT", arch="vit_b"),
        checkpoint="{{$ULTRAREF_WEIGHTS:weights}}/sam_vit_b_01ec64.pth",
        freeze=["image_encoder"],
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
