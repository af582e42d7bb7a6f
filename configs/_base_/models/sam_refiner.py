# SAM ViT-B at 1024 px behind an ROI crop with points, box and a direct mask prompt (reference 2.1 to 2.4, and phase 2).
sam_size = 1024
refiner = dict(
    type="SAMRefiner",
    sam=dict(
        type="SAM",
        arch="vit_b",
        checkpoint="{{$ULTRAREF_WEIGHTS:weights}}/sam_vit_b_01ec64.pth",
        freeze=["image_encoder"],
    ),
    # A softmax background of 0.005 weighs more than a small lesion and would blow up box and ROI.
    prob_transforms=[dict(type="ProbFloor", floor=0.05)],
    roi=dict(type="LesionROICropper", expand_ratio=0.5),
    prompts=[
        dict(type="PointPromptGenerator", negative="far_corner"),
        dict(type="BoxPromptGenerator"),
        dict(type="MaskPromptGenerator", style="direct"),
    ],
    selection="best",
)
