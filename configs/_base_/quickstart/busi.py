# The same for real BUSI images, which take wider and deeper networks than phantoms. `make quickstart-busi` does without them: it starts
# from published weights.
_base_ = "./phantoms.py"
tiny = dict(
    set_name="busi",
    data_root="{{$ULTRAREF_DATA:data}}/busi",
    predictions_root="work_dirs/quickstart_busi/predictions",
    run_name="quickstart_busi/{set}_{stem}_{fold}",
    made_by="python tools/dataset_converters/busi.py SRC data/busi",
    predicted_by="python tools/predict_coarse.py configs/quickstart/phase1.py "
    "work_dirs/quickstart_busi/busi_phase1_fold{k}/best.pth --set busi --fold {k} --split {split}",
    trained_by="python tools/train.py configs/quickstart/{stem}.py --set busi --fold {fold}",
    network=dict(
        encoder=dict(channels=(32, 64, 128), stem_channels=16, embed_dim=96),
        decoder=dict(channels=(64, 32, 16, 8), head_channels=96),
    ),
    network_lr=1e-3,
    image_encoder=dict(arch=dict(depth=4, embed_dim=96, num_heads=3, global_attn_indexes=(1, 3))),
    joint_epochs=4,
)
