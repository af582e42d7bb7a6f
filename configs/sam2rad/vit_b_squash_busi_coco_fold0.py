# SAM2Rad with ViT-B on images squashed to a square, as in the reference, fold 0.
_base_ = "./vit_b_busi_coco_fold0.py"
train_pipeline = [
    dict(type="LoadImage"),
    dict(type="LoadCocoMask"),
    dict(type="RandomRotateFlip", degrees=20, flip_prob=0.5),
    dict(type="ResizeToModels", sam_size=1024, mask_size_from="sam"),
    dict(type="GroundTruthPoints", layout="5+2"),
    dict(type="PackSAM2RadInputs"),
]
eval_pipeline = [
    dict(type="LoadImage"),
    dict(type="LoadCocoMask"),
    dict(type="ResizeToModels", sam_size=1024, mask_size_from="sam"),
    dict(type="PackSAM2RadInputs", keep_original=True),
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=eval_pipeline))
test_dataloader = dict(dataset=dict(pipeline=eval_pipeline))
