# Phase 3 without phase 2: a published SAM behind an uncertainty gate, on busi, fold 4.
# Written by tools/generate_configs.py: change the template there.
_base_ = "./gated_busi_fold0.py"
model = dict(coarse_source=dict(checkpoint="work_dirs/transunet_busi_fold4/best.pth"))
train_dataloader = dict(dataset=dict(fold=4))
val_dataloader = dict(dataset=dict(fold=4))
test_dataloader = dict(dataset=dict(fold=4))
