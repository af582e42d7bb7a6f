# Phase 3: both networks on bus_uc, fold 2.
# Written by tools/generate_configs.py: change the template there.
_base_ = "./ultrarefiner_bus_uc_fold0.py"
model = dict(
    coarse_source=dict(checkpoint="work_dirs/transunet_bus_uc_fold2/best.pth"),
    refiner=dict(checkpoint="work_dirs/sam_hybrid_bus_uc_fold2/best.pth"),
)
train_dataloader = dict(dataset=dict(fold=2))
val_dataloader = dict(dataset=dict(fold=2))
test_dataloader = dict(dataset=dict(fold=2))
