# Quick start, phase 2, fold 0: the tiny refiner on stored out-of-fold predictions and simulated errors, half and half.
_base_ = [
    "../_base_/models/sam_refiner_tiny.py",
    "../_base_/datasets/phantoms_refine_stored.py",
    "../_base_/schedules/tiny_adamw.py",
    "../_base_/default_runtime.py",
]
model = dict(
    type="RefinementSegmentor",
    data_preprocessor=dict(type="SegDataPreprocessor"),
    coarse_source=dict(type="FromSample"),
    refiner=_base_.refiner,
    gate=dict(type="ConstantGate", value=1.0),
    losses=dict(
        candidate_mask=dict(type="CandidateMaskLoss"),
        candidate_iou=dict(type="IoURegressionLoss"),
        change=dict(type="ChangePenalty", low=0.6, high=1.0),
    ),
    loss_weights=dict(candidate_mask=1.0, candidate_iou=1.0, change=0.5),
)
param_scheduler = [dict(type="CosineAnnealingLR", T_max=28, begin=0, end=28, by_epoch=True, convert_to_iter_based=True)]
train_cfg = dict(max_epochs=28, val_interval=4)
made_by = {_base_.data_root: "make quickstart", _base_.predictions_root: "make quickstart"}
