# Phase 3: each image at both networks' sizes, resized from the original. Metrics at 1024 px, as in the reference.
# The config that uses this gives the data sets their data_root.
train_pipeline = [
    dict(type="LoadImage"),
    dict(type="LoadLesionMask"),
    dict(type="RandomRotateFlip", degrees=20, flip_prob=0.5),
    dict(type="ResizeToModels", coarse_size=224, sam_size=1024, mask_size_from="sam"),
    dict(type="PackSegInputs"),
]
eval_pipeline = [
    dict(type="LoadImage"),
    dict(type="LoadLesionMask"),
    dict(type="ResizeToModels", coarse_size=224, sam_size=1024, mask_size_from="sam"),
    dict(type="PackSegInputs"),
]

train_dataloader = dict(
    batch_size=2,
    num_workers=4,
    persistent_workers=True,
    drop_last=True,
    sampler=dict(type="EpochSampler", shuffle=True),
    collate_fn=dict(type="ultraref.datasets.collate.stack_collate"),
    dataset=dict(type="LesionDataset", split="train", fold=0, pipeline=train_pipeline),
)
val_dataloader = dict(
    batch_size=2,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type="EpochSampler", shuffle=False),
    collate_fn=dict(type="ultraref.datasets.collate.stack_collate"),
    dataset=dict(type="LesionDataset", split="val", fold=0, pipeline=eval_pipeline),
)
test_dataloader = dict(
    batch_size=2,
    num_workers=4,
    sampler=dict(type="EpochSampler", shuffle=False),
    collate_fn=dict(type="ultraref.datasets.collate.stack_collate"),
    dataset=dict(type="LesionDataset", split="test", pipeline=eval_pipeline),
)
val_evaluator = dict(type="RefinementMetric", size=1024, stage="val")
test_evaluator = dict(type="RefinementMetric", size=1024, stage="test")
