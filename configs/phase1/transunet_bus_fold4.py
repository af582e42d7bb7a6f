# Phase 1: TransUNet on bus, fold 4.
# Written by tools/generate_configs.py: change the template there.
_base_ = "./transunet_bus_fold0.py"
train_dataloader = dict(dataset=dict(fold=4))
val_dataloader = dict(dataset=dict(fold=4))
