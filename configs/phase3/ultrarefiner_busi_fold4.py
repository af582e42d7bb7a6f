# Phase 3: both networks on busi, fold 4.
# Written by tools/generate_configs.py: change the template there.
_base_ = "./ultrarefiner_busi_fold0.py"
model = dict(
    coarse_source=dict(checkpoint="work_dirs/transunet_busi_fold4/best.pth"),
    refiner=dict(checkpoint="work_dirs/sam_hybrid_busi_fold4/best.pth"),
)
train_dataloader = dict(dataset=dict(fold=4))
val_dataloader = dict(dataset=dict(fold=4))
test_dataloader = dict(dataset=dict(fold=4))
