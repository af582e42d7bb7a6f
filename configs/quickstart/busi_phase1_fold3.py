_base_ = "./busi_phase1_fold0.py"
train_dataloader = dict(dataset=dict(fold=3))
val_dataloader = dict(dataset=dict(fold=3))
