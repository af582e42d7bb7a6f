# The quick start's phase 2, fold 0, on real BUSI.
_base_ = "./phantoms_phase2_fold0.py"
data_root = "work_dirs/quickstart_busi/data/busi"
predictions_root = "work_dirs/quickstart_busi/predictions"
train_dataloader = dict(dataset=dict(data_root=data_root, predictions=predictions_root))
val_dataloader = dict(dataset=dict(data_root=data_root, predictions=predictions_root))
test_dataloader = dict(dataset=dict(data_root=data_root, predictions=predictions_root))
made_by = {data_root: "make quickstart-busi BUSI=FOLDER", predictions_root: "make quickstart-busi BUSI=FOLDER"}
