# Phase 2 on stored out-of-fold predictions alone (reference, phase 2, alternative B).
_base_ = "./refine_hybrid.py"
train_pipeline = [
    dict(type="LoadImage"),
    dict(type="LoadLesionMask"),
    dict(type="LoadCoarsePrediction"),
    dict(type="RandomRotateFlip", degrees=20, flip_prob=0.5),
    dict(type="ResizeToModels", sam_size=1024, mask_size_from="sam"),
    dict(type="PackSegInputs"),
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
