# The same for real BUSI images, which take wider and deeper networks than phantoms.
_base_ = "./phantoms.py"
tiny = dict(
    set_name="busi",
    data_root="work_dirs/quickstart_busi/data/busi",
    predictions_root="work_dirs/quickstart_busi/predictions",
    run_name="quickstart_busi/{set}_{stem}_{fold}",
    made_by="make quickstart-busi BUSI=FOLDER",
    network=dict(
        encoder=dict(channels=(32, 64, 128), stem_channels=16, embed_dim=96),
        decoder=dict(channels=(64, 32, 16, 8), head_channels=96),
    ),
    network_lr=1e-3,
    image_encoder=dict(arch=dict(depth=4, embed_dim=96, num_heads=3, global_attn_indexes=(1, 3))),
    joint_epochs=4,
)
