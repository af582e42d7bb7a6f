# Phase 2: SAM on stored out-of-fold predictions and simulated errors, half and half; all five sets, fold 2.
# Written by tools/generate_configs.py: change the template there.
_base_ = "./sam_hybrid_all_fold0.py"
train_dataloader = dict(dataset=dict(datasets=[dict(d, fold=2) for d in _base_.train_dataloader.dataset.datasets]))
val_dataloader = dict(dataset=dict(datasets=[dict(d, fold=2) for d in _base_.val_dataloader.dataset.datasets]))
test_dataloader = dict(dataset=dict(datasets=[dict(d, fold=2) for d in _base_.test_dataloader.dataset.datasets]))
