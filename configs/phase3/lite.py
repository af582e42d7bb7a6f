# Phase 3 for a small machine: the U-Net and LiteMedSAM jointly, from the weights of phases 1 and 2.
# python tools/train.py configs/phase3/lite.py --set busi --fold 0
_base_ = ["./ultrarefiner.py", "../_base_/models/unet.py", "../_base_/models/box_refiners.py"]


def padded(pipeline):
    """As in phase 2: LiteMedSAM knows padded images, and the cache those that don't change."""
    return [
        dict(step, sam_fit="pad") if step.type == "ResizeToModels" else step
        for step in pipeline
        if step.type != "RandomRotateFlip"
    ]


phase1 = f"work_dirs/unet_{_base_.set_name}_fold{_base_.fold}/best.pth"
phase2 = f"work_dirs/sam_lite_{_base_.set_name}_fold{_base_.fold}/best.pth"
model = dict(
    data_preprocessor=dict(hash_images=True),
    coarse_source=dict(network=dict(_delete_=True, **_base_.unet), checkpoint=phase1),
    refiner=dict(_delete_=True, checkpoint=phase2, **_base_.lite_refiner),
    # As in phase 2: the mean of p and q.
    gate=dict(value=0.5),
)
# The last two of the U-Net's five decoder blocks, and its head, train with SAM from epoch 1 on.
last_blocks = "coarse_source.network.decoder.blocks.[34]"
rates = {
    # The reference's. At 1e-5 validation was lower: the coarse network knows these images better than new ones.
    "refiner": dict(lr=1e-6),
    last_blocks: dict(lr=1e-5),
    "coarse_source.network.head": dict(lr=1e-5),
    "gate": dict(lr=1e-4),
}
optim_wrapper = dict(clip_grad=dict(max_norm=1.0), paramwise_cfg=dict(_delete_=True, groups=rates))
train_cfg = dict(max_epochs=2)
joint = dict(epoch=1, train=["refiner", "gate", last_blocks, "coarse_source.network.head"])
default_hooks = dict(unfreezing=dict(stages=dict(joint=joint)))
loader = dict(batch_size=8, num_workers=1)
train_dataloader = dict(loader, dataset=dict(pipeline=padded(_base_.train_pipeline)))
val_dataloader = test_dataloader = dict(loader, dataset=dict(pipeline=padded(_base_.eval_pipeline)))
val_evaluator = test_evaluator = dict(size="original")
made_by = {
    phase1: f"python tools/train.py configs/phase1/unet.py --set {_base_.set_name} --fold {_base_.fold}",
    phase2: f"python tools/train.py configs/phase2/lite.py --set {_base_.set_name} --fold {_base_.fold}",
}
