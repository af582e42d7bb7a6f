# Phase 3: both networks jointly, from the weights of phases 1 and 2.
# python tools/train.py configs/phase3/ultrarefiner.py --set busi --fold 0
_base_ = [
    "../_base_/models/transunet.py",
    "../_base_/models/sam_refiner.py",
    "../_base_/datasets/{{$ULTRAREF_SET:busi}}.py",
    "../_base_/fold.py",
    "../_base_/loaders/refine_joint.py",
    "../_base_/schedules/phase3_adamw_cosine.py",
    "../_base_/default_runtime.py",
]
phase1 = f"work_dirs/transunet_{_base_.set_name}_fold{_base_.fold}/best.pth"
phase2 = f"work_dirs/sam_hybrid_{_base_.set_name}_fold{_base_.fold}/best.pth"
model = dict(
    type="RefinementSegmentor",
    data_preprocessor=dict(type="SegDataPreprocessor"),
    coarse_source=dict(type="FromNetwork", network=_base_.coarse_network, checkpoint=phase1),
    refiner=dict(_base_.refiner, checkpoint=phase2),
    gate=dict(type="ConstantGate", value=1.0),
    losses=dict(
        coarse=dict(type="CEDiceLoss", ce_weight=1.0, dice_weight=1.0),
        refined=dict(type="BCEDiceLoss"),
        # SAM's candidates are selected by it. Adam lets its head learn as fast at a small weight, which the rest hardly feels.
        candidate_iou=dict(type="IoURegressionLoss"),
    ),
    loss_weights=dict(coarse=0.1, refined=0.9, candidate_iou=0.1),
)
# First SAM alone, then the coarse network's last two decoder blocks and its head as well (reference, phase 3).
default_hooks = dict(
    unfreezing=dict(
        type="ProgressiveUnfreezeHook",
        stages=dict(
            sam=dict(epoch=0, train=["refiner", "gate"]),
            joint=dict(
                epoch=10,
                train=["refiner", "gate", "coarse_source.network.decoder.blocks.[23]", "coarse_source.network.head"],
                # Two images a batch are too few for batch statistics.
                eval=["coarse_source.*:BatchNorm*"],
            ),
        ),
    )
)
train_dataloader = dict(dataset=dict(data_root=_base_.data_root, fold=_base_.fold))
val_dataloader = dict(dataset=dict(data_root=_base_.data_root, fold=_base_.fold))
test_dataloader = dict(dataset=dict(data_root=_base_.data_root, fold=_base_.fold))
# Measured at SAM's size, as in the reference, and alike in phases 2 and 3.
val_evaluator = test_evaluator = dict(size="model")
made_by = {
    phase1: f"python tools/train.py configs/phase1/transunet.py --set {_base_.set_name} --fold {_base_.fold}",
    phase2: f"python tools/train.py configs/phase2/sam_hybrid.py --set {_base_.set_name} --fold {_base_.fold}",
}
