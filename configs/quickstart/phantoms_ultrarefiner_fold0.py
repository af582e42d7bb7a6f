# Quick start, phase 3, fold 0: both tiny networks jointly, the coarse network's last two blocks and head from epoch 1 on.
_base_ = [
    "../_base_/models/transunet_tiny.py",
    "../_base_/models/sam_refiner_tiny.py",
    "../_base_/datasets/phantoms_refine_joint.py",
    "../_base_/schedules/tiny_adamw.py",
    "../_base_/default_runtime.py",
]
model = dict(
    type="RefinementSegmentor",
    data_preprocessor=dict(type="SegDataPreprocessor"),
    coarse_source=dict(
        type="FromNetwork",
        network=_base_.coarse_network,
        checkpoint="work_dirs/quickstart/phantoms_phase1_fold0/best.pth",
    ),
    refiner=dict(checkpoint="work_dirs/quickstart/phantoms_phase2_fold0/best.pth", **_base_.refiner),
    gate=dict(type="ConstantGate", value=1.0),
    losses=dict(coarse=dict(type="CEDiceLoss", ce_weight=1.0, dice_weight=1.0), final=dict(type="ProbBCEDiceLoss")),
    loss_weights=dict(coarse=0.1, final=0.9),
)
optim_wrapper = dict(
    optimizer=dict(lr=1e-4),
    constructor="GlobOptimWrapperConstructor",
    paramwise_cfg=dict(
        groups={
            "refiner": dict(lr=1e-4),
            "coarse_source.network.decoder.blocks.[23]": dict(lr=1e-5),
            "coarse_source.network.head": dict(lr=1e-5),
        }
    ),
)
param_scheduler = [dict(type="CosineAnnealingLR", T_max=2, begin=0, end=2, by_epoch=True, convert_to_iter_based=True)]
train_cfg = dict(max_epochs=2, val_interval=1)
custom_hooks = [
    *_base_.custom_hooks,
    dict(
        type="ProgressiveUnfreezeHook",
        stages=[
            dict(name="sam", epoch=0, train=["refiner"]),
            dict(
                name="joint",
                epoch=1,
                train=["refiner", "coarse_source.network.decoder.blocks.[23]", "coarse_source.network.head"],
                eval=["coarse_source.*:BatchNorm*"],
            ),
        ],
    ),
]
made_by = {
    _base_.data_root: "make quickstart",
    "work_dirs/quickstart/phantoms_phase1_fold0/best.pth": "make quickstart",
    "work_dirs/quickstart/phantoms_phase2_fold0/best.pth": "make quickstart",
}
