# A tiny SAM2Rad, from scratch, all of it trained, on the images of the quick start: three minutes on two cores.
_base_ = ["./vit_b.py", "../_base_/quickstart/{{$ULTRAREF_SET:phantoms}}.py"]
set_name = _base_.tiny.set_name
arch = dict(
    _delete_=True,
    patch_size=8,
    embed_dim=96,
    depth=4,
    num_heads=3,
    window_size=8,
    global_attn_indexes=(1, 3),
    out_channels=64,
)
sam = dict(
    image_encoder=dict(image_size=_base_.tiny.image_encoder.image_size, arch=arch),
    mask_decoder=_base_.tiny.mask_decoder,
    checkpoint=None,
    freeze=[],
    lora=None,
)
# The point loss is linear from 6 px on: the parabola of beta = 1 pulls too weakly for so few epochs.
model = dict(sam=sam, prompt_predictor=dict(hidden_dim=64), losses=dict(points=dict(beta=0.05)))
optimizer = dict(type="AdamW", lr=1e-3, weight_decay=1e-4)
optim_wrapper = dict(_delete_=True, type="OptimWrapper", optimizer=optimizer, clip_grad=dict(max_norm=1.0))
train_cfg = dict(max_epochs=10)
ann_file = _base_.tiny.data_root + "_coco.json"
images = dict(data_root=_base_.tiny.data_root, image_dir=_base_.tiny.data_root, ann_file=ann_file)
loader = dict(batch_size=16, num_workers=1, dataset=images)
train_dataloader = val_dataloader = test_dataloader = loader
made_by = {
    _base_.tiny.data_root: _base_.tiny.made_by,
    ann_file: f"python tools/dataset_converters/to_coco.py {_base_.tiny.data_root} {ann_file}",
}
