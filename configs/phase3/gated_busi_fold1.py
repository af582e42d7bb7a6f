_base_ = "./gated_busi_fold0.py"
model = dict(coarse_source=dict(checkpoint="work_dirs/transunet_busi_fold1/best.pth"))
train_dataloader = dict(dataset=dict(fold=1))
val_dataloader = dict(dataset=dict(fold=1))
test_dataloader = dict(dataset=dict(fold=1))
made_by = {
    "work_dirs/transunet_busi_fold1/best.pth": "python tools/train.py configs/phase1/transunet_busi_fold1.py",
}
