# Phase 2 on LiteMedSAM, behind the U-Net of phase1/unet.py: minutes on two cores.
# python tools/train.py configs/phase2/lite.py --set busi --fold 0
_base_ = ["./sam_hybrid.py", "../_base_/models/box_refiners.py"]


def padded(pipeline):
    """LiteMedSAM knows padded images. Geometric augmentation would make each image a new one for the cache."""
    return [
        dict(step, sam_fit="pad") if step.type == "ResizeToModels" else step
        for step in pipeline
        if step.type != "RandomRotateFlip"
    ]


mild = dict(type="SimulateCoarse", augmentor=dict(type="MaskErrorAugmentor", preset="mild"))
train_pipeline = [
    dict(step, simulated=mild) if step["type"] == "HybridCoarse" else step for step in padded(_base_.train_pipeline)
]
del mild


run_name = "sam_lite_{set}_{fold}"
model = dict(
    data_preprocessor=dict(hash_images=True),
    refiner=dict(_delete_=True, **_base_.lite_refiner),
    # The mean of p and q harms fewer images than q.
    gate=dict(value=0.5),
    # The penalty on changes held back more than it saved.
    losses=dict(change=None),
)
stores = {name: f"work_dirs/predictions/unet_{name}" for name in _base_.sets}
stored = [dict(data_root=root, predictions=stores[name]) for name, root in _base_.sets.items()]
images = stored[0] if len(stored) == 1 else dict(datasets=stored)
loader = dict(batch_size=8, num_workers=1)
train_dataloader = dict(loader, dataset=dict(images, pipeline=train_pipeline))
val_dataloader = test_dataloader = dict(loader, dataset=dict(images, pipeline=padded(_base_.eval_pipeline)))
val_evaluator = test_evaluator = dict(size="original")
optim_wrapper = dict(
    _delete_=True,
    type="OptimWrapper",
    optimizer=dict(type="AdamW", lr=1e-4, weight_decay=1e-4),
    clip_grad=dict(max_norm=1.0),
)
train_cfg = dict(max_epochs=3)
made_by = {
    root + "/fold{k}/{split}": "python tools/predict_coarse.py configs/phase1/unet.py "
    f"work_dirs/unet_{name}_fold{{k}}/best.pth --set {name} --fold {{k}} --split {{split}}"
    for name, root in stores.items()
}
