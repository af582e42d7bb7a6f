# SAM2Rad: AdamW, a learning rate for each part, cosine.
optim_wrapper = dict(
    type="OptimWrapper",
    optimizer=dict(type="AdamW", lr=1e-4, weight_decay=1e-4),
    constructor="GlobOptimWrapperConstructor",
    paramwise_cfg=dict(
        groups={
            # LoRA alone: the rest of the image encoder is frozen.
            "sam.image_encoder": dict(lr=2e-4),
            "sam.mask_decoder": dict(lr=1e-4),
            "prompt_predictor": dict(lr=1e-3),
        }
    ),
)
# Down to 0 at the last epoch, whichever that is.
param_scheduler = [dict(type="CosineAnnealingLR", by_epoch=True, convert_to_iter_based=True)]
train_cfg = dict(by_epoch=True, max_epochs=100, val_interval=1)
val_cfg = dict()
test_cfg = dict()
# SAM's heads for three candidates and for IoU get no gradient.
find_unused_parameters = True
