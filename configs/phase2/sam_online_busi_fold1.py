# Phase 2: SAM on simulated errors alone; busi, fold 1.
# Written by tools/generate_configs.py: change the template there.
_base_ = "./sam_online_busi_fold0.py"
train_dataloader = dict(dataset=dict(fold=1))
val_dataloader = dict(dataset=dict(fold=1))
test_dataloader = dict(dataset=dict(fold=1))
