# Phase 2: SAM on stored out-of-fold predictions and simulated errors, half and half; all five sets, fold 0.
# Written by tools/generate_configs.py: change the template there.
_base_ = [
    "../_base_/models/sam_refiner.py",
    "../_base_/datasets/all.py",
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
train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type="ConcatLesionDataset",
        datasets=[dict(_base_.train_dataloader.dataset, **one) for one in _base_.sets],
    )
)
val_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type="ConcatLesionDataset",
        datasets=[dict(_base_.val_dataloader.dataset, **one) for one in _base_.sets],
    )
)
test_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type="ConcatLesionDataset",
        datasets=[dict(_base_.test_dataloader.dataset, **one) for one in _base_.sets],
    )
)
