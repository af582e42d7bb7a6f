# Quick start, phase 3: both tiny networks jointly, the coarse network's last two blocks and head from epoch 1 on.
_base_ = ["../phase3/ultrarefiner.py", "../_base_/quickstart/{{$ULTRAREF_SET:phantoms}}.py"]
set_name = _base_.tiny.set_name
run_name = _base_.tiny.run_name
phase1, phase2 = (
    "work_dirs/" + run_name.format(set=set_name, stem=stem, fold=f"fold{_base_.fold}") + "/best.pth"
    for stem in ("phase1", "phase2")
)
sam = dict(image_encoder=_base_.tiny.image_encoder, mask_decoder=_base_.tiny.mask_decoder, checkpoint=None, freeze=[])
model = dict(
    coarse_source=dict(network=_base_.tiny.network, checkpoint=phase1), refiner=dict(sam=sam, checkpoint=phase2)
)
rates = {
    "refiner": dict(lr=1e-4),
    "coarse_source.network.decoder.blocks.[23]": dict(lr=1e-5),
    "coarse_source.network.head": dict(lr=1e-5),
    "gate": dict(lr=1e-4),
}
optim_wrapper = dict(
    optimizer=dict(lr=1e-4), clip_grad=dict(max_norm=1.0), paramwise_cfg=dict(_delete_=True, groups=rates)
)
train_cfg = dict(max_epochs=_base_.tiny.joint_epochs)
default_hooks = dict(unfreezing=dict(stages=dict(joint=dict(epoch=1))))
loader = dict(batch_size=8, num_workers=1, dataset=dict(data_root=_base_.tiny.data_root))
train_dataloader = val_dataloader = test_dataloader = loader
val_evaluator = test_evaluator = dict(size="original")
made_by = {
    _base_.tiny.data_root: _base_.tiny.made_by,
    phase1: _base_.tiny.trained_by.format(stem="phase1", fold=_base_.fold),
    phase2: _base_.tiny.trained_by.format(stem="phase2", fold=_base_.fold),
}
