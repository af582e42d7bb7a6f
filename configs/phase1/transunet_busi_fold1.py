# Phase 1: TransUNet on busi, fold 1.
# Written by tools/generate_configs.py: change the template there.
_base_ = "./transunet_busi_fold0.py"
train_dataloader = dict(dataset=dict(fold=1))
val_dataloader = dict(dataset=dict(fold=1))
