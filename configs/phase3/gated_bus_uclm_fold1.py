# Phase 3 without phase 2: a published SAM behind an uncertainty gate, on bus_uclm, fold 1.
# Written by tools/generate_configs.py: change the template there.
_base_ = "./gated_bus_uclm_fold0.py"
model = dict(coarse_source=dict(checkpoint="work_dirs/transunet_bus_uclm_fold1/best.pth"))
train_dataloader = dict(dataset=dict(fold=1))
val_dataloader = dict(dataset=dict(fold=1))
test_dataloader = dict(dataset=dict(fold=1))
