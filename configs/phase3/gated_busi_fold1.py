# Phase 3 without phase 2: a published SAM behind an uncertainty gate, on busi, fold 1.
# Written by tools/generate_configs.py: change the template there.
_base_ = "./gated_busi_fold0.py"
model = dict(coarse_source=dict(checkpoint="work_dirs/transunet_busi_fold1/best.pth"))
train_dataloader = dict(dataset=dict(fold=1))
val_dataloader = dict(dataset=dict(fold=1))
test_dataloader = dict(dataset=dict(fold=1))
