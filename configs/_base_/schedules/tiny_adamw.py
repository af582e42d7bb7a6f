# AdamW with a cosine over 14 epochs, for the tiny models.
optim_wrapper = dict(
    type="OptimWrapper", optimizer=dict(type="AdamW", lr=1e-3, weight_decay=1e-4), clip_grad=dict(max_norm=1.0)
)
param_scheduler = [dict(type="CosineAnnealingLR", T_max=14, begin=0, end=14, by_epoch=True, convert_to_iter_based=True)]
train_cfg = dict(by_epoch=True, max_epochs=14, val_interval=2)
val_cfg = dict()
test_cfg = dict()
# Distributed: SAM's embedding for an absent mask prompt, and an IoU head without a loss, get no gradient.
find_unused_parameters = True
