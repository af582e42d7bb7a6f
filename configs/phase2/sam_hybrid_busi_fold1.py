# Phase 2: SAM on stored out-of-fold predictions and simulated errors, half and half; busi, fold 1.
# Written by tools/generate_configs.py: change the template there.
_base_ = "./sam_hybrid_busi_fold0.py"
train_dataloader = dict(dataset=dict(fold=1))
val_dataloader = dict(dataset=dict(fold=1))
test_dataloader = dict(dataset=dict(fold=1))
