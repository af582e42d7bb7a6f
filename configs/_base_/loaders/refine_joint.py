# Phase 3: each image at both networks' sizes, resized from the original. The recipe names the images.
loader = dict(
    batch_size=2,
    num_workers=4,
    sampler=dict(type="EpochSampler", shuffle=False),
    collate_fn=dict(type="ultraref.datasets.collate.stack_collate"),
)
train_pipeline = [
    dict(type="LoadImage"),
    dict(type="LoadLesionMask"),
    dict(type="RandomRotateFlip", degrees=20, flip_prob=0.5),
    dict(type="ResizeToModels", inputs=("coarse", "sam"), gt="sam"),
    dict(type="PackSegInputs"),
]
eval_pipeline = [
    dict(type="LoadImage"),
    dict(type="LoadLesionMask"),
    dict(type="ResizeToModels", inputs=("coarse", "sam"), gt="sam"),
    dict(type="PackSegInputs", keep_original=True),
]
train_dataloader = dict(
    loader,
    persistent_workers=True,
    drop_last=True,
    sampler=dict(type="EpochSampler", shuffle=True),
    dataset=dict(type="LesionDataset", split="train", pipeline=train_pipeline),
)
val_dataloader = dict(
    loader, persistent_workers=True, dataset=dict(type="LesionDataset", split="val", pipeline=eval_pipeline)
)
test_dataloader = dict(loader, dataset=dict(type="LesionDataset", split="test", pipeline=eval_pipeline))
del loader
