# Refiners on weights of the MedSAM family, which know boxes only: one box a component of the coarse mask, one mask a box.
# docs/explanation/real-weights.md says how the numbers were chosen.
component_boxes = dict(
    prompts=dict(box=dict(type="ComponentBoxPromptGenerator", margin=0.05, jitter=0.05)),
    components=dict(min_share=0.2, keep_below_iou=0.65),
    multimask=False,
    # Computed once: the encoder is frozen, and sees whole images that don't change.
    embedding_cache="work_dirs/embeddings",
)
# LiteMedSAM: TinyViT at 256 px.
lite_refiner = dict(
    type="SAMRefiner",
    sam=dict(
        type="SAM",
        image_encoder=dict(type="TinyViT", arch="lite_medsam", scale="minmax"),
        mask_decoder=dict(type="SAMMaskDecoder"),
        checkpoint="{{$ULTRAREF_WEIGHTS:weights}}/lite_medsam.pth",
        freeze=["image_encoder"],
    ),
    **component_boxes,
)
# MedSAM: ViT-B at 1024 px.
medsam_refiner = dict(
    type="SAMRefiner",
    sam=dict(
        type="SAM",
        image_encoder=dict(type="SAMViT", arch="vit_b", scale="minmax"),
        mask_decoder=dict(type="SAMMaskDecoder"),
        checkpoint="{{$ULTRAREF_WEIGHTS:weights}}/medsam_vit_b.pth",
        freeze=["image_encoder"],
    ),
    **component_boxes,
)
