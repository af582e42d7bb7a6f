# Quick start, phase 2: a tiny SAM on stored out-of-fold predictions and simulated errors, half and half. All of SAM trains.
_base_ = ["../phase2/sam_hybrid.py", "../_base_/quickstart/{{$ULTRAREF_SET:phantoms}}.py"]
set_name = _base_.tiny.set_name
run_name = _base_.tiny.run_name
sam = dict(image_encoder=_base_.tiny.image_encoder, mask_decoder=_base_.tiny.mask_decoder, checkpoint=None, freeze=[])
model = dict(coarse_source=dict(size=_base_.tiny.network.image_size), refiner=dict(sam=sam))
optimizer = dict(type="AdamW", lr=1e-3, weight_decay=1e-4)
optim_wrapper = dict(_delete_=True, type="OptimWrapper", optimizer=optimizer, clip_grad=dict(max_norm=1.0))
train_cfg = dict(max_epochs=28, val_interval=4)
images = dict(data_root=_base_.tiny.data_root, predictions=_base_.tiny.predictions_root)
loader = dict(batch_size=8, num_workers=1, dataset=images)
train_dataloader = val_dataloader = test_dataloader = loader
val_evaluator = test_evaluator = dict(size="original")
made_by = {
    _base_.tiny.data_root: _base_.tiny.made_by,
    _base_.tiny.predictions_root + "/fold{k}/{split}": _base_.tiny.predicted_by,
}
