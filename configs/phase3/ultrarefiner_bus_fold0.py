# Phase 3: both networks on bus, fold 0.
# Written by tools/generate_configs.py: change the template there.
# The coarse network is frozen for 10 epochs, then its last two decoder blocks and its head train (reference, phase 3).
_base_ = [
    "../_base_/models/transunet.py",
    "../_base_/models/sam_refiner.py",
    "../_base_/datasets/bus.py",
    "../_base_/loaders/refine_joint.py",
    "../_base_/schedules/phase3_adamw_cosine_50e.py",
    "../_base_/default_runtime.py",
]
model = dict(
    type="RefinementSegmentor",
    data_preprocessor=dict(type="SegDataPreprocessor"),
    coarse_source=dict(
        type="FromNetwork", network=_base_.coarse_network, checkpoint="work_dirs/transunet_bus_fold0/best.pth"
    ),
    refiner=dict(checkpoint="work_dirs/sam_hybrid_bus_fold0/best.pth", **_base_.refiner),
    gate=dict(type="ConstantGate", value=1.0),
    losses=dict(coarse=dict(type="CEDiceLoss", ce_weight=1.0, dice_weight=1.0), final=dict(type="ProbBCEDiceLoss")),
    loss_weights=dict(coarse=0.1, final=0.9),
)
custom_hooks = [
    *_base_.custom_hooks,
    dict(
        type="ProgressiveUnfreezeHook",
        stages=[
            dict(name="sam", epoch=0, train=["refiner"]),
            dict(
                name="joint",
                epoch=10,
                train=["refiner", "coarse_source.network.decoder.blocks.[23]", "coarse_source.network.head"],
                # Two images a batch are too few for batch statistics.
                eval=["coarse_source.*:BatchNorm*"],
            ),
        ],
    ),
]
train_dataloader = dict(dataset=dict(data_root=_base_.data_root))
val_dataloader = dict(dataset=dict(data_root=_base_.data_root))
test_dataloader = dict(dataset=dict(data_root=_base_.data_root))
made_by = {
    "work_dirs/transunet_{fold}/best.pth": "python tools/train.py configs/phase1/transunet_{fold}.py",
    "work_dirs/sam_hybrid_{fold}/best.pth": "python tools/train.py configs/phase2/sam_hybrid_{fold}.py",
}
