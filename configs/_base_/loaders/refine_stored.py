# Phase 2: half stored out-of-fold predictions, half simulated errors of the ground truth, at SAM's size. The recipe names the
# images and the predictions.
loader = dict(
    batch_size=4,
    num_workers=4,
    sampler=dict(type="EpochSampler", shuffle=False),
    collate_fn=dict(type="ultraref.datasets.collate.stack_collate"),
)
stored = dict(type="LoadCoarsePrediction")
simulated = dict(type="SimulateCoarse", augmentor=dict(type="MaskErrorAugmentor", preset="default"))
train_pipeline = [
    dict(type="LoadImage"),
    dict(type="LoadLesionMask"),
    dict(type="HybridCoarse", ratio=0.5, stored=stored, simulated=simulated),
    dict(type="RandomRotateFlip", degrees=20, flip_prob=0.5),
    dict(type="ResizeToModels", inputs=("sam",), gt="sam"),
    dict(type="PackSegInputs"),
]
eval_pipeline = [
    dict(type="LoadImage"),
    dict(type="LoadLesionMask"),
    stored,
    dict(type="ResizeToModels", inputs=("sam",), gt="sam"),
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
del loader, stored, simulated
