# Quick start, phase 1: a tiny TransUNet, from scratch. No workers: reading is short, and all folds train at a time.
_base_ = ["../phase1/transunet.py", "../_base_/quickstart/{{$ULTRAREF_SET:phantoms}}.py"]
set_name = _base_.tiny.set_name
run_name = _base_.tiny.run_name
predictions_root = _base_.tiny.predictions_root
model = dict(network=_base_.tiny.network)
optimizer = dict(type="AdamW", lr=_base_.tiny.network_lr, weight_decay=1e-4)
optim_wrapper = dict(_delete_=True, type="OptimWrapper", optimizer=optimizer, clip_grad=dict(max_norm=1.0))
param_scheduler = [dict(type="CosineAnnealingLR", by_epoch=True, convert_to_iter_based=True)]
train_cfg = dict(max_epochs=24, val_interval=6 if set_name == "phantoms" else 3)
default_hooks = dict(logger=dict(interval=50))
loader = dict(batch_size=8, num_workers=0, persistent_workers=False, dataset=dict(data_root=_base_.tiny.data_root))
train_dataloader = val_dataloader = test_dataloader = loader
made_by = {_base_.tiny.data_root: _base_.tiny.made_by}
