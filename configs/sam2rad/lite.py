# SAM2Rad on LiteMedSAM, for a machine without a GPU: the encoder is frozen and its embeddings are cached; the point predictor, the
# prompt encoder and the mask decoder train. LiteMedSAM knows boxes only, and learns here what points say.
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
# Geometric augmentation would make each image a new one for the cache. RandomMirror, which has two outcomes, costs a second encoding.
train_pipeline = [step for step in _base_.train_pipeline if step.type != "RandomRotateFlip"]
rates = {
    "sam.prompt_encoder": dict(lr=1e-4),
    "sam.mask_decoder": dict(lr=1e-4),
    "prompt_predictor": dict(lr=1e-3),
}
optim_wrapper = dict(clip_grad=dict(max_norm=1.0), paramwise_cfg=dict(_delete_=True, groups=rates))
train_cfg = dict(max_epochs=8, val_interval=2)
loader = dict(batch_size=8, num_workers=1)
train_dataloader = dict(loader, dataset=dict(pipeline=train_pipeline))
val_dataloader = test_dataloader = loader
