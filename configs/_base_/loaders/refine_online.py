# Phase 2 on simulated errors alone (reference, phase 2, alternative A): needs no coarse network to train.
# Validation draws its errors from (seed, epoch 0, index), so that they are the same each epoch: EpochSampler without
# shuffle stays at epoch 0. The test is on stored predictions, since what counts are the masks of a coarse network.
_base_ = "./refine_hybrid.py"
simulate = dict(type="SimulateCoarse", coarse_size=224, augmentor=dict(type="MaskErrorAugmentor", preset="default"))
train_pipeline = [
    dict(type="LoadImage"),
    dict(type="LoadLesionMask"),
    simulate,
    dict(type="RandomRotateFlip", degrees=20, flip_prob=0.5),
    dict(type="ResizeToModels", sam_size=1024, mask_size_from="sam"),
    dict(type="PackSegInputs"),
]
val_pipeline = [
    dict(type="LoadImage"),
    dict(type="LoadLesionMask"),
    simulate,
    dict(type="ResizeToModels", sam_size=1024, mask_size_from="sam"),
    dict(type="PackSegInputs", keep_original=True),
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=val_pipeline))
