# Phase 2 with a head that predicts the Dice of both masks. It shares no gradient with SAM, which trains as without it.
_base_ = "../../phase2/lite.py"
run_name = "{stem}_{set}_{fold}"
model = dict(
    refiner=dict(quality_head=dict(type="QualityHead")),
    losses=dict(quality=dict(type="QualityLoss")),
    loss_weights=dict(quality=1.0),
)
groups = {"refiner.quality_head": dict(lr=3e-4, weight_decay=1e-2), "refiner.sam": dict()}
optim_wrapper = dict(
    type="GroupClipOptimWrapper", constructor="GlobOptimWrapperConstructor", paramwise_cfg=dict(groups=groups)
)
