# The quick start's phase 3, fold 0, on real BUSI.
_base_ = "./phantoms_ultrarefiner_fold0.py"
data_root = "work_dirs/quickstart_busi/data/busi"
model = dict(
    coarse_source=dict(
        network=dict(
            encoder=dict(channels=(32, 64, 128), stem_channels=16, embed_dim=96),
            decoder=dict(channels=(64, 32, 16, 8), head_channels=96),
        ),
        checkpoint="work_dirs/quickstart_busi/busi_phase1_fold0/best.pth",
    ),
    refiner=dict(
        sam=dict(image_encoder=dict(arch=dict(depth=4, embed_dim=96, num_heads=3, global_attn_indexes=(1, 3)))),
        checkpoint="work_dirs/quickstart_busi/busi_phase2_fold0/best.pth",
    ),
)
train_dataloader = dict(dataset=dict(data_root=data_root))
val_dataloader = dict(dataset=dict(data_root=data_root))
test_dataloader = dict(dataset=dict(data_root=data_root))
param_scheduler = [dict(type="CosineAnnealingLR", T_max=4, begin=0, end=4, by_epoch=True, convert_to_iter_based=True)]
train_cfg = dict(max_epochs=4, val_interval=1)
made_by = {
    data_root: "make quickstart-busi BUSI=FOLDER",
    "work_dirs/quickstart_busi/busi_phase1_fold0/best.pth": "make quickstart-busi BUSI=FOLDER",
    "work_dirs/quickstart_busi/busi_phase2_fold0/best.pth": "make quickstart-busi BUSI=FOLDER",
}
