# Phase 1, fold 0: TransUNet on BUSI.
_base_ = [
    "../_base_/models/transunet.py",
    "../_base_/datasets/busi_coarse.py",
    "../_base_/schedules/phase1_sgd_poly_150e.py",
    "../_base_/default_runtime.py",
]
model = dict(
    type="CoarseSegmentor",
    data_preprocessor=dict(type="SegDataPreprocessor"),
    network=_base_.coarse_network,
    loss=dict(type="CEDiceLoss", ce_weight=0.5, dice_weight=0.5),
)
default_hooks = dict(checkpoint=dict(save_best="val_coarse/dice"))
made_by = {
    _base_.data_root: "python tools/dataset_converters/busi.py SRC " + _base_.data_root,
}
