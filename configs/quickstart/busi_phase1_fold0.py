# The quick start's phase 1, fold 0, on real BUSI.
_base_ = "./phantoms_phase1_fold0.py"
data_root = "work_dirs/quickstart_busi/data/busi"
predictions_root = "work_dirs/quickstart_busi/predictions"
# Real images take a wider network than phantoms.
model = dict(
    network=dict(
        encoder=dict(channels=(32, 64, 128), stem_channels=16, embed_dim=96),
        decoder=dict(channels=(64, 32, 16, 8), head_channels=96),
    )
)
optim_wrapper = dict(optimizer=dict(lr=1e-3))
train_dataloader = dict(dataset=dict(data_root=data_root))
val_dataloader = dict(dataset=dict(data_root=data_root))
test_dataloader = dict(dataset=dict(data_root=data_root))
param_scheduler = [dict(type="CosineAnnealingLR", T_max=24, begin=0, end=24, by_epoch=True, convert_to_iter_based=True)]
train_cfg = dict(max_epochs=24, val_interval=3)
made_by = {data_root: "make quickstart-busi BUSI=FOLDER"}
