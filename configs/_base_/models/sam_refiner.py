# SAM ViT-B at 1024 px behind an ROI crop with points, box and a direct mask prompt (reference 2.1 to 2.4, and phase 2).
refiner = dict(
    type="SAMRefiner",
    sam=dict(
        type="SAM",
        # SAM's own files were trained on images of ImageNet's mean and std, MedSAM's on min-max scaled ones (scale="minmax").
        image_encoder=dict(type="SAMViT", arch="vit_b", scale="imagenet"),
        mask_decoder=dict(type="SAMMaskDecoder"),
        checkpoint="{{$ULTRAREF_WEIGHTS:weights}}/sam_vit_b_01ec64.pth",
        freeze=["image_encoder"],
    ),
    # The options that tools/measure_prompts.py favours on BUSI (docs/explanation/prompts-and-roi.md); the reference has no
    # floor, power 1, 2.5 std and no cap.
    prob_transforms=dict(floor=dict(type="ProbFloor", floor=0.2)),
    roi=dict(type="LesionROICropper", expand_ratio=0.5, cap=True),
    prompts=dict(
        points=dict(type="PointPromptGenerator", power=2, negative="far_corner"),
        box=dict(type="BoxPromptGenerator", num_std=2.0),
        mask=dict(type="MaskPromptGenerator", style="direct"),
    ),
    selection="best",
)
