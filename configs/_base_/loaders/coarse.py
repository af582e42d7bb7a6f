# Phase 1: grey images at the coarse network's size, rotated by up to 20 degrees and flipped. The recipe names the images.
# Batch size 24 is TransUNet's (Chen et al. 2021, section 4.2).
loader = dict(
    batch_size=24,
    num_workers=4,
    sampler=dict(type="EpochSampler", shuffle=False),
    collate_fn=dict(type="ultraref.datasets.collate.stack_collate"),
)
load = [dict(type="LoadImage"), dict(type="LoadLesionMask")]
train_pipeline = [
    *load,
    dict(type="RandomRotateFlip", degrees=20, flip_prob=0.5),
    dict(type="ResizeToModels", inputs=("coarse",), gt="coarse"),
    dict(type="PackSegInputs"),
]
eval_pipeline = [
    *load,
    dict(type="ResizeToModels", inputs=("coarse",), gt="coarse"),
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
del loader, load
