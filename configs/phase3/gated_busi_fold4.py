_base_ = "./gated_busi_fold0.py"
model = dict(coarse_source=dict(checkpoint="work_dirs/transunet_busi_fold4/best.pth"))
train_dataloader = dict(dataset=dict(fold=4))
val_dataloader = dict(dataset=dict(fold=4))
test_dataloader = dict(dataset=dict(fold=4))
made_by = {
    "work_dirs/transunet_busi_fold4/best.pth": "python tools/train.py configs/phase1/transunet_busi_fold4.py",
}
