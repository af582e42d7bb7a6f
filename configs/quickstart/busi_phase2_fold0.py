# The quick start's phase 2, fold 0, on real BUSI.
_base_ = "./phantoms_phase2_fold0.py"
data_root = "work_dirs/quickstart_busi/data/busi"
predictions_root = "work_dirs/quickstart_busi/predictions"
# A deeper SAM than for phantoms.
model = dict(
    refiner=dict(
        sam=dict(image_encoder=dict(arch=dict(depth=4, embed_dim=96, num_heads=3, global_attn_indexes=(1, 3))))
    )
)
train_dataloader = dict(dataset=dict(data_root=data_root, predictions=predictions_root))
val_dataloader = dict(dataset=dict(data_root=data_root, predictions=predictions_root))
test_dataloader = dict(dataset=dict(data_root=data_root, predictions=predictions_root))
param_scheduler = [dict(type="CosineAnnealingLR", T_max=28, begin=0, end=28, by_epoch=True, convert_to_iter_based=True)]
train_cfg = dict(max_epochs=28, val_interval=4)
made_by = {data_root: "make quickstart-busi BUSI=FOLDER", predictions_root: "make quickstart-busi BUSI=FOLDER"}
