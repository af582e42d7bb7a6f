# The same with LoRA on TinyViT's attention, for a GPU: every image is encoded at every step, so that augmentation is free.
_base_ = "./vit_b.py"
model = dict(
    sam=dict(
        image_encoder=dict(_delete_=True, type="TinyViT", arch="lite_medsam", scale="minmax"),
        checkpoint="{{$ULTRAREF_WEIGHTS:weights}}/lite_medsam.pth",
    ),
    allow_profile_change=True,
)
train_dataloader = dict(batch_size=8)
