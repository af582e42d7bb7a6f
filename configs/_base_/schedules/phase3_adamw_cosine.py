# Reference, phase 3: AdamW, cosine. The reference gives a rate for SAM alone; the others are ours.
optim_wrapper = dict(
    type="OptimWrapper",
    optimizer=dict(type="AdamW", lr=1e-6, weight_decay=1e-4),
    constructor="GlobOptimWrapperConstructor",
    paramwise_cfg=dict(
        groups={
            "refiner.sam.prompt_encoder": dict(lr=1e-6),
            "refiner.sam.mask_decoder": dict(lr=1e-6),
            "coarse_source.network.decoder.blocks.[23]": dict(lr=1e-5),
            "coarse_source.network.head": dict(lr=1e-5),
            # Where the gate has parameters; the stages of the recipe train it from the start.
            "gate": dict(lr=1e-4),
        }
    ),
)
# Down to 0 at the last epoch, whichever that is.
param_scheduler = [dict(type="CosineAnnealingLR", by_epoch=True, convert_to_iter_based=True)]
train_cfg = dict(by_epoch=True, max_epochs=50, val_interval=1)
val_cfg = dict()
test_cfg = dict()
# Distributed: SAM's embedding for an absent mask prompt, and an IoU head without a loss, get no gradient.
find_unused_parameters = True
