# What the quick start's tiny recipes take for phantoms: where things lie, and the sizes of networks that train on a CPU.
tiny = dict(
    set_name="phantoms",
    data_root="work_dirs/quickstart/data/phantoms",
    predictions_root="work_dirs/quickstart/predictions",
    run_name="quickstart/{set}_{stem}_{fold}",
    # What makes the images, the predictions and the checkpoints.
    made_by="make quickstart",
    predicted_by="make quickstart",
    trained_by="make quickstart",
    network=dict(
        image_size=64,
        encoder=dict(
            pretrained=None,
            layers=(1, 1, 1),
            channels=(16, 32, 64),
            stem_channels=8,
            norm_groups=8,
            embed_dim=64,
            depth=2,
            num_heads=4,
            dropout=0.0,
        ),
        decoder=dict(channels=(32, 16, 8, 8), head_channels=64),
    ),
    network_lr=2e-3,
    image_encoder=dict(
        image_size=128,
        arch=dict(
            _delete_=True,
            patch_size=8,
            embed_dim=64,
            depth=2,
            num_heads=2,
            window_size=8,
            global_attn_indexes=(1,),
            out_channels=64,
        ),
    ),
    mask_decoder=dict(num_heads=4, mlp_dim=256, iou_head_hidden_dim=64),
    joint_epochs=2,
)
