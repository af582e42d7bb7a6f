# Phase 1: TransUNet on busi, fold 0.
# Written by tools/generate_configs.py: change the template there.
_base_ = [
    "../_base_/models/transunet.py",
    "../_base_/datasets/busi.py",
    "../_base_/loaders/coarse.py",
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
train_dataloader = dict(dataset=dict(data_root=_base_.data_root))
val_dataloader = dict(dataset=dict(data_root=_base_.data_root))
test_dataloader = dict(dataset=dict(data_root=_base_.data_root))
