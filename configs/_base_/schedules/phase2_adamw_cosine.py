# Reference, phase 2: AdamW, cosine, mixed precision.
optim_wrapper = dict(type="UltraAmpOptimWrapper", optimizer=dict(type="AdamW", lr=1e-4, weight_decay=1e-4))
# Down to 0 at the last epoch, whichever that is.
param_scheduler = [dict(type="CosineAnnealingLR", by_epoch=True, convert_to_iter_based=True)]
train_cfg = dict(by_epoch=True, max_epochs=300, val_interval=1)
val_cfg = dict()
test_cfg = dict()
# Distributed: SAM's embedding for an absent mask prompt, and an IoU head without a loss, get no gradient.
find_unused_parameters = True
