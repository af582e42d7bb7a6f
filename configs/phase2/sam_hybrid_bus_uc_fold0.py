# Phase 2: SAM on stored out-of-fold predictions and simulated errors, half and half; bus_uc, fold 0.
# Written by tools/generate_configs.py: change the template there.
_base_ = [
    "../_base_/models/sam_refiner.py",
    "../_base_/datasets/bus_uc.py",
    "../_base_/loaders/refine_hybrid.py",
    "../_base_/schedules/phase2_adamw_cosine_300e.py",
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
train_dataloader = dict(dataset=dict(data_root=_base_.data_root, predictions=_base_.predictions_root))
val_dataloader = dict(dataset=dict(data_root=_base_.data_root, predictions=_base_.predictions_root))
test_dataloader = dict(dataset=dict(data_root=_base_.data_root, predictions=_base_.predictions_root))
