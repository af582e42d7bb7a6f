# Phase 2: SAM on simulated errors alone; busi, fold 4.
# Written by tools/generate_configs.py: change the template there.
_base_ = "./sam_online_busi_fold0.py"
train_dataloader = dict(dataset=dict(fold=4))
val_dataloader = dict(dataset=dict(fold=4))
test_dataloader = dict(dataset=dict(fold=4))
