# Phase 3 without phase 2: a published SAM behind an uncertainty gate, on bus_uclm, fold 2.
# Written by tools/generate_configs.py: change the template there.
_base_ = "./gated_bus_uclm_fold0.py"
model = dict(coarse_source=dict(checkpoint="work_dirs/transunet_bus_uclm_fold2/best.pth"))
train_dataloader = dict(dataset=dict(fold=2))
val_dataloader = dict(dataset=dict(fold=2))
test_dataloader = dict(dataset=dict(fold=2))
