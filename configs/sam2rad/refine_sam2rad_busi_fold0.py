# The refinement model with SAM2Rad in the place of the coarse network, fold 0: SAM2Rad is kept as it is, and the refiner of
# phase 2 trains on its masks.
_base_ = [
    "../_base_/models/sam2rad.py",
    "../_base_/models/sam_refiner.py",
    "../_base_/datasets/busi.py",
    "../_base_/loaders/refine_joint.py",
    "../_base_/schedules/phase3_adamw_cosine_50e.py",
    "../_base_/default_runtime.py",
]
model = dict(
    type="RefinementSegmentor",
    data_preprocessor=dict(type="SegDataPreprocessor"),
    coarse_source=dict(
        type="FromSAM2Rad", model=_base_.sam2rad, checkpoint="work_dirs/vit_b_squash_busi_coco_fold0/best.pth"
    ),
    refiner=dict(checkpoint="work_dirs/sam_hybrid_busi_fold0/best.pth", **_base_.refiner),
    gate=dict(type="ConstantGate", value=1.0),
    losses=dict(final=dict(type="ProbBCEDiceLoss")),
    loss_weights=dict(final=1.0),
)
optim_wrapper = dict(
    paramwise_cfg=dict(
        _delete_=True,
        groups={"refiner.sam.prompt_encoder": dict(lr=1e-6), "refiner.sam.mask_decoder": dict(lr=1e-6)},
    )
)
custom_hooks = [
    *_base_.custom_hooks,
    dict(type="ProgressiveUnfreezeHook", stages=[dict(name="refiner", epoch=0, train=["refiner"])]),
]
train_dataloader = dict(dataset=dict(data_root=_base_.data_root))
val_dataloader = dict(dataset=dict(data_root=_base_.data_root))
test_dataloader = dict(dataset=dict(data_root=_base_.data_root))
made_by = {
    "work_dirs/vit_b_squash_busi_coco_fold0/best.pth": "python tools/train.py configs/sam2rad/vit_b_squash_busi_coco_fold0.py",
    "work_dirs/sam_hybrid_busi_fold0/best.pth": "python tools/train.py configs/phase2/sam_hybrid_busi_fold0.py",
}
