# Phantoms for the tiny coarse network, at 64 px. No workers: reading is short, and all folds train at a time.
data_root = "work_dirs/quickstart/data/phantoms"
predictions_root = "work_dirs/quickstart/predictions"

train_pipeline = [
    dict(type="LoadImage"),
    dict(type="LoadLesionMask"),
    dict(type="RandomRotateFlip", degrees=20, flip_prob=0.5),
    dict(type="ResizeToModels", coarse_size=64, mask_size_from="coarse"),
    dict(type="PackSegInputs"),
]
eval_pipeline = [
    dict(type="LoadImage"),
    dict(type="LoadLesionMask"),
    dict(type="ResizeToModels", coarse_size=64, mask_size_from="coarse"),
    dict(type="PackSegInputs", keep_original=True),
]

train_dataloader = dict(
    batch_size=8,
    num_workers=0,
    drop_last=True,
    sampler=dict(type="EpochSampler", shuffle=True),
    collate_fn=dict(type="ultraref.datasets.collate.stack_collate"),
    dataset=dict(type="LesionDataset", data_root=data_root, split="train", fold=0, pipeline=train_pipeline),
)
val_dataloader = dict(
    batch_size=8,
    num_workers=0,
    sampler=dict(type="EpochSampler", shuffle=False),
    collate_fn=dict(type="ultraref.datasets.collate.stack_collate"),
    dataset=dict(type="LesionDataset", data_root=data_root, split="val", fold=0, pipeline=eval_pipeline),
)
test_dataloader = dict(
    batch_size=8,
    num_workers=0,
    sampler=dict(type="EpochSampler", shuffle=False),
    collate_fn=dict(type="ultraref.datasets.collate.stack_collate"),
    dataset=dict(type="LesionDataset", data_root=data_root, split="test", pipeline=eval_pipeline),
)
val_evaluator = dict(type="RefinementMetric", size="original", stage="val")
test_evaluator = dict(type="RefinementMetric", size="original", stage="test")
