# Phantoms for phase 2 of the tiny refiner: 64 px before, 128 px for SAM.
data_root = "work_dirs/quickstart/data/phantoms"
predictions_root = "work_dirs/quickstart/predictions"

train_pipeline = [
    dict(type="LoadImage"),
    dict(type="LoadLesionMask"),
    dict(
        type="HybridCoarse",
        ratio=0.5,
        stored=dict(type="LoadCoarsePrediction"),
        simulated=dict(
            type="SimulateCoarse", coarse_size=64, augmentor=dict(type="MaskErrorAugmentor", preset="default")
        ),
    ),
    dict(type="RandomRotateFlip", degrees=20, flip_prob=0.5),
    dict(type="ResizeToModels", sam_size=128, mask_size_from="sam"),
    dict(type="PackSegInputs"),
]
eval_pipeline = [
    dict(type="LoadImage"),
    dict(type="LoadLesionMask"),
    dict(type="LoadCoarsePrediction"),
    dict(type="ResizeToModels", sam_size=128, mask_size_from="sam"),
    dict(type="PackSegInputs", keep_original=True),
]

train_dataloader = dict(
    batch_size=8,
    num_workers=1,
    persistent_workers=True,
    drop_last=True,
    sampler=dict(type="EpochSampler", shuffle=True),
    collate_fn=dict(type="ultraref.datasets.collate.stack_collate"),
    dataset=dict(
        type="LesionDataset",
        data_root=data_root,
        predictions=predictions_root,
        split="train",
        fold=0,
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    batch_size=8,
    num_workers=1,
    persistent_workers=True,
    sampler=dict(type="EpochSampler", shuffle=False),
    collate_fn=dict(type="ultraref.datasets.collate.stack_collate"),
    dataset=dict(
        type="LesionDataset",
        data_root=data_root,
        predictions=predictions_root,
        split="val",
        fold=0,
        pipeline=eval_pipeline,
    ),
)
# The test set's predictions are those of the fold's own coarse model.
test_dataloader = dict(
    batch_size=8,
    num_workers=1,
    sampler=dict(type="EpochSampler", shuffle=False),
    collate_fn=dict(type="ultraref.datasets.collate.stack_collate"),
    dataset=dict(
        type="LesionDataset",
        data_root=data_root,
        predictions=predictions_root,
        split="test",
        fold=0,
        pipeline=eval_pipeline,
    ),
)
val_evaluator = dict(type="RefinementMetric", size="original", stage="val")
test_evaluator = dict(type="RefinementMetric", size="original", stage="test")
