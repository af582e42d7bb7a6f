# Phase 2 with a head that predicts the Dice of both masks. It shares no gradient with SAM, which trains as without it.
_base_ = ["../../phase2/lite.py", "../../_base_/schedules/quality_head.py"]
run_name = "{stem}_{set}_{fold}"
model = dict(
    # The head sees what SAM says, not what was kept in its place.
    refiner=dict(quality_head=dict(type="QualityHead"), components=dict(keep_below_iou=0.0)),
    losses=dict(quality=dict(type="QualityLoss")),
    loss_weights=dict(quality=1.0),
)
optim_wrapper = _base_.with_quality_head.optim_wrapper
