# SAM2Rad with ViT-B at 1024 px: of the image encoder LoRA trains, then the mask decoder and the point predictor (reference,
# steps 1 to 5). Dice and focal loss weigh alike.
sam2rad = dict(
    type="SAM2RadSegmentor",
    data_preprocessor=dict(type="SegDataPreprocessor"),
    sam=dict(
        type="SAM",
        image_encoder=dict(type="SAMViT", arch="vit_b", scale="imagenet"),
        mask_decoder=dict(type="SAMMaskDecoder"),
        checkpoint="{{$ULTRAREF_WEIGHTS:weights}}/sam_vit_b_01ec64.pth",
        freeze=["image_encoder", "prompt_encoder"],
        lora=dict(rank=4, alpha=4.0),
    ),
    prompt_predictor=dict(type="PPN", num_points=7, head="heatmap", labels="soft"),
    losses=dict(
        mask=dict(type="FocalDiceLoss", focal_weight=1.0, dice_weight=1.0, alpha=0.25, gamma=2.0),
        points=dict(type="PointCoordinateLoss"),
        labels=dict(type="PointLabelLoss"),
    ),
    loss_weights=dict(mask=1.0, points=0.3, labels=0.1),
)
