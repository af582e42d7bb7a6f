_base_ = "./transunet_busi_fold0.py"
train_dataloader = dict(dataset=dict(fold=1))
val_dataloader = dict(dataset=dict(fold=1))
