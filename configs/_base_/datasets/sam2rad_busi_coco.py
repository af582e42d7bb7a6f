# BUSI with COCO annotations, padded to 1024 px. The split and the folds are those of the converted set.
data_root = "{{$ULTRAREF_DATA:data}}/busi"
ann_file = "{{$ULTRAREF_DATA:data}}/busi_coco.json"

train_pipeline = [
    dict(type="LoadImage"),
    dict(type="LoadCocoMask"),
    dict(type="RandomRotateFlip", degrees=20, flip_prob=0.5),
    dict(type="ResizeLongestSide", sam_size=1024),
    dict(type="GroundTruthPoints", layout="5+2"),
    dict(type="PackSAM2RadInputs"),
]
eval_pipeline = [
    dict(type="LoadImage"),
    dict(type="LoadCocoMask"),
    dict(type="ResizeLongestSide", sam_size=1024),
    dict(type="PackSAM2RadInputs", keep_original=True),
]

train_dataloader = dict(
    batch_size=2,
    num_workers=4,
    persistent_workers=True,
    drop_last=True,
    sampler=dict(type="EpochSampler", shuffle=True),
    collate_fn=dict(type="ultraref.datasets.collate.stack_collate"),
    dataset=dict(
        type="CocoLesionDataset",
        ann_file=ann_file,
        image_dir=data_root,
        data_root=data_root,
        split="train",
        fold=0,
        pipeline=train_pipeline,
    ),
)
val_dataloader = dict(
    batch_size=2,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type="EpochSampler", shuffle=False),
    collate_fn=dict(type="ultraref.datasets.collate.stack_collate"),
    dataset=dict(
        type="CocoLesionDataset",
        ann_file=ann_file,
        image_dir=data_root,
        data_root=data_root,
        split="val",
        fold=0,
        pipeline=eval_pipeline,
    ),
)
test_dataloader = dict(
    batch_size=2,
    num_workers=4,
    sampler=dict(type="EpochSampler", shuffle=False),
    collate_fn=dict(type="ultraref.datasets.collate.stack_collate"),
    dataset=dict(
        type="CocoLesionDataset",
        ann_file=ann_file,
        image_dir=data_root,
        data_root=data_root,
        split="test",
        pipeline=eval_pipeline,
    ),
)
val_evaluator = dict(type="RefinementMetric", size="original", stage="val")
test_evaluator = dict(type="RefinementMetric", size="original", stage="test")
