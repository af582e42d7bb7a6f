# Phase 2: half stored out-of-fold predictions, half simulated errors of the ground truth; SAM at 1024 px.
# The config that uses this gives the data sets their data_root and predictions.
train_pipeline = [
    dict(type="LoadImage"),
    dict(type="LoadLesionMask"),
    dict(
        type="HybridCoarse",
        ratio=0.5,
        stored=dict(type="LoadCoarsePrediction"),
        simulated=dict(
            type="SimulateCoarse", coarse_size=224, augmentor=dict(type="MaskErrorAugmentor", preset="default")
        ),
    ),
    dict(type="RandomRotateFlip", degrees=20, flip_prob=0.5),
    dict(type="ResizeToModels", sam_size=1024, mask_size_from="sam"),
    dict(type="PackSegInputs"),
]
eval_pipeline = [
    dict(type="LoadImage"),
    dict(type="LoadLesionMask"),
    dict(type="LoadCoarsePrediction"),
    dict(type="ResizeToModels", sam_size=1024, mask_size_from="sam"),
    dict(type="PackSegInputs", keep_original=True),
]

train_dataloader = dict(
    batch_size=4,
    num_workers=4,
    persistent_workers=True,
    drop_last=True,
    sampler=dict(type="EpochSampler", shuffle=True),
    collate_fn=dict(type="ultraref.datasets.collate.stack_collate"),
    dataset=dict(type="LesionDataset", split="train", fold=0, pipeline=train_pipeline),
)
val_dataloader = dict(
    batch_size=4,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type="EpochSampler", shuffle=False),
    collate_fn=dict(type="ultraref.datasets.collate.stack_collate"),
    dataset=dict(type="LesionDataset", split="val", fold=0, pipeline=eval_pipeline),
)
# The test set's predictions are those of the fold's own coarse model.
test_dataloader = dict(
    batch_size=4,
    num_workers=4,
    sampler=dict(type="EpochSampler", shuffle=False),
    collate_fn=dict(type="ultraref.datasets.collate.stack_collate"),
    dataset=dict(type="LesionDataset", split="test", fold=0, pipeline=eval_pipeline),
)
# Measured at 1024 px, as in the reference, and alike in phases 2 and 3.
val_evaluator = dict(type="RefinementMetric", size=1024, stage="val")
test_evaluator = dict(type="RefinementMetric", size=1024, stage="test")
