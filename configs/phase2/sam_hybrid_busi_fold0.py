# Phase 2, fold 0: SAM on stored out-of-fold predictions of the other folds' images and on simulated errors, half and half.
_base_ = [
    "../_base_/models/sam_refiner.py",
    "../_base_/datasets/busi_refine_stored.py",
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
made_by = {
    _base_.data_root: "python tools/dataset_converters/busi.py SRC " + _base_.data_root,
    _base_.predictions_root: "for each fold K: python tools/predict_coarse.py configs/phase1/transunet_busi_foldK.py "
    "work_dirs/transunet_busi_foldK/best.pth --split val",
}
