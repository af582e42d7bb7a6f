# Quick start, phase 1, fold 0: the tiny TransUNet on phantoms.
_base_ = [
    "../_base_/models/transunet_tiny.py",
    "../_base_/datasets/phantoms_coarse.py",
    "../_base_/schedules/tiny_adamw.py",
    "../_base_/default_runtime.py",
]
model = dict(
    type="CoarseSegmentor",
    data_preprocessor=dict(type="SegDataPreprocessor"),
    network=_base_.coarse_network,
    loss=dict(type="CEDiceLoss", ce_weight=0.5, dice_weight=0.5),
)
optim_wrapper = dict(optimizer=dict(lr=2e-3))
param_scheduler = [dict(type="CosineAnnealingLR", T_max=24, begin=0, end=24, by_epoch=True, convert_to_iter_based=True)]
train_cfg = dict(max_epochs=24, val_interval=6)
default_hooks = dict(checkpoint=dict(save_best="val_coarse/dice"), logger=dict(interval=50))
made_by = {_base_.data_root: "make quickstart"}
