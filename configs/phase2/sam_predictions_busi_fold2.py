# Phase 2: SAM on stored out-of-fold predictions alone; busi, fold 2.
# Written by tools/generate_configs.py: change the template there.
_base_ = "./sam_predictions_busi_fold0.py"
train_dataloader = dict(dataset=dict(fold=2))
val_dataloader = dict(dataset=dict(fold=2))
test_dataloader = dict(dataset=dict(fold=2))
