# Where neither mask promises a Dice of 0.7, SAM is also asked at other places: the coarse mask at two more thresholds, and its second mode. The quality head chooses.
_base_ = ["../../phase2/lite.py", "../../_base_/schedules/quality_head.py"]
refiner = lite_refiner = medsam_refiner = dict(type="SearchingRefiner")
run_name = "{stem}_{set}_{fold}"
proposals = dict(thresholds=dict(type="ThresholdProposal"), second=dict(type="SecondModeProposal"))
model = dict(
    refiner=dict(refiner, proposals=proposals, ask_below=0.7, quality_head=dict(type="QualityHead")),
    gate=dict(value=1.0),
    losses=dict(quality=dict(type="QualityLoss")),
    loss_weights=dict(quality=1.0),
)
optim_wrapper = _base_.with_quality_head.optim_wrapper
