# Phase 1 for a small machine: a U-Net on an ImageNet encoder. docs/explanation/real-weights.md says how the numbers were chosen.
# python tools/train.py configs/phase1/unet.py --set busi --fold 0
_base_ = [
    "../_base_/models/unet.py",
    "../_base_/datasets/{{$ULTRAREF_SET:busi}}.py",
    "../_base_/fold.py",
    "../_base_/loaders/coarse.py",
    "../_base_/augmentation.py",
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
load_image, load_mask, rotate_flip, *others = _base_.train_pipeline
train_pipeline = [load_image, load_mask, rotate_flip, *_base_.ultrasound, *others]
loader = dict(batch_size=8, num_workers=1)
train_dataloader = dict(loader, dataset=dict(data_root=_base_.data_root, fold=_base_.fold, pipeline=train_pipeline))
val_dataloader = dict(loader, dataset=dict(data_root=_base_.data_root, fold=_base_.fold))
test_dataloader = dict(loader, dataset=dict(data_root=_base_.data_root, fold=_base_.fold))
