# SAM2Rad: images with COCO annotations, the longer side at SAM's size, padded. The recipe names the images.
loader = dict(
    batch_size=2,
    num_workers=4,
    sampler=dict(type="EpochSampler", shuffle=False),
    collate_fn=dict(type="ultraref.datasets.collate.stack_collate"),
)
train_pipeline = [
    dict(type="LoadImage"),
    dict(type="LoadCocoMask"),
    dict(type="RandomRotateFlip", degrees=20, flip_prob=0.5),
    dict(type="ResizeToModels", inputs=("sam",), gt="sam", sam_fit="pad"),
    dict(type="GroundTruthPoints", layout="5+2"),
    dict(type="PackSAM2RadInputs"),
]
eval_pipeline = [
    dict(type="LoadImage"),
    dict(type="LoadCocoMask"),
    dict(type="ResizeToModels", inputs=("sam",), gt="sam", sam_fit="pad"),
    dict(type="PackSAM2RadInputs", keep_original=True),
]
train_dataloader = dict(
    loader,
    persistent_workers=True,
    drop_last=True,
    sampler=dict(type="EpochSampler", shuffle=True),
    dataset=dict(type="CocoLesionDataset", split="train", pipeline=train_pipeline),
)
val_dataloader = dict(
    loader, persistent_workers=True, dataset=dict(type="CocoLesionDataset", split="val", pipeline=eval_pipeline)
)
test_dataloader = dict(loader, dataset=dict(type="CocoLesionDataset", split="test", pipeline=eval_pipeline))
# Work directories such as work_dirs/vit_b_busi_coco_fold0.
run_name = "{stem}_{set}_coco_{fold}"
del loader
