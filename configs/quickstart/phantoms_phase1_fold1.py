_base_ = "./phantoms_phase1_fold0.py"
train_dataloader = dict(dataset=dict(fold=1))
val_dataloader = dict(dataset=dict(fold=1))
