# Phase 2: SAM on stored out-of-fold predictions and simulated errors, half and half; bus, fold 4.
# Written by tools/generate_configs.py: change the template there.
_base_ = "./sam_hybrid_bus_fold0.py"
train_dataloader = dict(dataset=dict(fold=4))
val_dataloader = dict(dataset=dict(fold=4))
test_dataloader = dict(dataset=dict(fold=4))
