# Phase 1 for a small machine: a U-Net on an ImageNet encoder.
# python tools/train.py configs/phase1/unet.py --set busi --fold 0
_base_ = [
    "../_base_/models/unet.py",
    "../_base_/datasets/{{$ULTRAREF_SET:busi}}.py",
    "../_base_/fold.py",
    "../_base_/loaders/coarse.py",
    "../_base_/schedules/phase1_adamw_cosine.py",
    "../_base_/default_runtime.py",
]
model = dict(
    type="CoarseSegmentor",
    data_preprocessor=dict(type="SegDataPreprocessor"),
    network=_base_.unet,
    loss=dict(type="CEDiceLoss", ce_weight=0.5, dice_weight=0.5),
)
default_hooks = dict(checkpoint=dict(save_best="val_coarse/dice"))
train_dataloader = dict(batch_size=8, dataset=dict(data_root=_base_.data_root, fold=_base_.fold))
val_dataloader = dict(dataset=dict(data_root=_base_.data_root, fold=_base_.fold))
test_dataloader = dict(dataset=dict(data_root=_base_.data_root, fold=_base_.fold))
