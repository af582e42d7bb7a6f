# SAM is also asked where a SAM2Rad, which reads the image and not the coarse mask, sees the lesion. The quality head chooses as in search.py.
_base_ = ["../../phase2/lite.py", "../../_base_/schedules/quality_head.py"]
refiner = lite_refiner = medsam_refiner = dict(type="SearchingRefiner")
run_name = "{stem}_{set}_{fold}"
sam2rad = f"work_dirs/lite_query_{_base_.set_name}_coco_fold{_base_.fold}/best.pth"
opinion = dict(type="SAM2RadProposal", sam=dict(_base_.lite_refiner.sam, checkpoint=None), checkpoint=sam2rad)
opinion.update(prompt_predictor=dict(type="QueryPromptPredictor"))
model = dict(
    refiner=dict(refiner, proposals=dict(opinion=opinion), ask_below=0.7, quality_head=dict(type="QualityHead")),
    gate=dict(value=1.0),
    losses=dict(quality=dict(type="QualityLoss")),
    loss_weights=dict(quality=1.0),
)
optim_wrapper = _base_.with_quality_head.optim_wrapper
made_by = {sam2rad: f"python tools/train.py configs/sam2rad/lite_query.py --set {_base_.set_name} --fold {_base_.fold}"}
