# SAM2Rad on LiteMedSAM, for a machine without a GPU: the encoder is frozen and its embeddings are cached; the point predictor and the
# mask decoder train. LiteMedSAM knows boxes only, and learns here what points say.
# python tools/train.py configs/sam2rad/lite.py --set busi --fold 0
_base_ = "./vit_b.py"
model = dict(
    data_preprocessor=dict(hash_images=True),
    sam=dict(
        image_encoder=dict(_delete_=True, type="TinyViT", arch="lite_medsam", scale="minmax"),
        checkpoint="{{$ULTRAREF_WEIGHTS:weights}}/lite_medsam.pth",
        freeze=["image_encoder"],
        lora=None,
    ),
    losses=dict(points=dict(beta=0.05)),
    embedding_cache="work_dirs/embeddings",
    allow_profile_change=True,
)
mirror = dict(type="RandomMirror", prob=0.5)
train_pipeline = [mirror if step.type == "RandomRotateFlip" else step for step in _base_.train_pipeline]
optim_wrapper = dict(clip_grad=dict(max_norm=1.0))
train_cfg = dict(max_epochs=12)
loader = dict(batch_size=8, num_workers=1)
train_dataloader = dict(loader, dataset=dict(pipeline=train_pipeline))
val_dataloader = test_dataloader = loader
