# The refinement model with SAM2Rad in the place of the coarse network: SAM2Rad is kept as it is, and the refiner of phase 2
# trains on its masks.
_base_ = [
    "../_base_/models/sam2rad.py",
    "../_base_/models/sam_refiner.py",
    "../_base_/datasets/{{$ULTRAREF_SET:busi}}.py",
    "../_base_/fold.py",
    "../_base_/loaders/refine_joint.py",
    "../_base_/schedules/phase3_adamw_cosine.py",
    "../_base_/default_runtime.py",
]
sam2rad_checkpoint = f"work_dirs/vit_b_squash_{_base_.set_name}_coco_fold{_base_.fold}/best.pth"
phase2 = f"work_dirs/sam_hybrid_{_base_.set_name}_fold{_base_.fold}/best.pth"
model = dict(
    type="RefinementSegmentor",
    data_preprocessor=dict(type="SegDataPreprocessor"),
    coarse_source=dict(type="FromSAM2Rad", model=_base_.sam2rad, checkpoint=sam2rad_checkpoint),
    # SAM2Rad's masks are larger than those of the coarse network that phase 2 knew.
    refiner=dict(_base_.refiner, checkpoint=phase2, allow_contract_change=True),
    gate=dict(type="ConstantGate", value=1.0),
    losses=dict(refined=dict(type="BCEDiceLoss"), candidate_iou=dict(type="IoURegressionLoss")),
    loss_weights=dict(refined=1.0, candidate_iou=0.1),
)
rates = {
    part: rate for part, rate in _base_.optim_wrapper.paramwise_cfg.groups.items() if not part.startswith("coarse_")
}
optim_wrapper = dict(paramwise_cfg=dict(_delete_=True, groups=rates))
default_hooks = dict(
    unfreezing=dict(type="ProgressiveUnfreezeHook", stages=dict(refiner=dict(epoch=0, train=["refiner", "gate"])))
)
squash = dict(type="ResizeToModels", inputs=("sam",), gt="sam")
train_pipeline = [squash if step.type == "ResizeToModels" else step for step in _base_.train_pipeline]
eval_pipeline = [squash if step.type == "ResizeToModels" else step for step in _base_.eval_pipeline]
images = dict(data_root=_base_.data_root)
train_dataloader = dict(dataset=dict(images, fold=_base_.fold, pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(images, fold=_base_.fold, pipeline=eval_pipeline))
test_dataloader = dict(dataset=dict(images, fold=_base_.fold, pipeline=eval_pipeline))
# Measured at SAM's size, as in the reference, and alike in phases 2 and 3.
val_evaluator = test_evaluator = dict(size="model")
made_by = {
    sam2rad_checkpoint: f"python tools/train.py configs/sam2rad/vit_b_squash.py --set {_base_.set_name} --fold {_base_.fold}",
    phase2: f"python tools/train.py configs/phase2/sam_hybrid.py --set {_base_.set_name} --fold {_base_.fold}",
}
