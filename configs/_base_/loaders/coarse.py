# Phase 1: grey images for the coarse network at 224 px, rotated by up to 20 degrees and flipped.
# The config that uses this gives the data sets their data_root.
train_pipeline = [
    dict(type="LoadImage"),
    dict(type="LoadLesionMask"),
    dict(type="RandomRotateFlip", degrees=20, flip_prob=0.5),
    dict(type="ResizeToModels", coarse_size=224, mask_size_from="coarse"),
    dict(type="PackSegInputs"),
]
eval_pipeline = [
    dict(type="LoadImage"),
    dict(type="LoadLesionMask"),
    dict(type="ResizeToModels", coarse_size=224, mask_size_from="coarse"),
    dict(type="PackSegInputs", keep_original=True),
]

# Batch size 24 is TransUNet's (Chen et al. 2021, section 4.2).
train_dataloader = dict(
    batch_size=24,
    num_workers=4,
    persistent_workers=True,
    drop_last=True,
    sampler=dict(type="EpochSampler", shuffle=True),
    collate_fn=dict(type="ultraref.datasets.collate.stack_collate"),
    dataset=dict(type="LesionDataset", split="train", fold=0, pipeline=train_pipeline),
)
val_dataloader = dict(
    batch_size=24,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type="EpochSampler", shuffle=False),
    collate_fn=dict(type="ultraref.datasets.collate.stack_collate"),
    dataset=dict(type="LesionDataset", split="val", fold=0, pipeline=eval_pipeline),
)
test_dataloader = dict(
    batch_size=24,
    num_workers=4,
    sampler=dict(type="EpochSampler", shuffle=False),
    collate_fn=dict(type="ultraref.datasets.collate.stack_collate"),
    dataset=dict(type="LesionDataset", split="test", pipeline=eval_pipeline),
)
val_evaluator = dict(type="RefinementMetric", size="original", stage="val")
test_evaluator = dict(type="RefinementMetric", size="original", stage="test")
