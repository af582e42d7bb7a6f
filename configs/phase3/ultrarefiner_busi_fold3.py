_base_ = "./ultrarefiner_busi_fold0.py"
model = dict(
    coarse_source=dict(checkpoint="work_dirs/transunet_busi_fold3/best.pth"),
    refiner=dict(checkpoint="work_dirs/sam_hybrid_busi_fold3/best.pth"),
)
train_dataloader = dict(dataset=dict(fold=3))
val_dataloader = dict(dataset=dict(fold=3))
test_dataloader = dict(dataset=dict(fold=3))
made_by = {
    "work_dirs/transunet_busi_fold3/best.pth": "python tools/train.py configs/phase1/transunet_busi_fold3.py",
    "work_dirs/sam_hybrid_busi_fold3/best.pth": "python tools/train.py configs/phase2/sam_hybrid_busi_fold3.py",
}
