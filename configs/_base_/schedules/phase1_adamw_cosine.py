# Phase 1 from pretrained weights: AdamW, cosine down to 0, gradients clipped.
optim_wrapper = dict(
    type="OptimWrapper", optimizer=dict(type="AdamW", lr=5e-4, weight_decay=1e-2), clip_grad=dict(max_norm=1.0)
)
param_scheduler = [dict(type="CosineAnnealingLR", by_epoch=True, convert_to_iter_based=True)]
train_cfg = dict(by_epoch=True, max_epochs=16, val_interval=2)
val_cfg = dict()
test_cfg = dict()
