# The upper bound of the lite recipes: LiteMedSAM, as it was published, with the boxes of the true lesions. For tests alone.
# python tools/test.py configs/refine/true_box.py --set busi --fold 0
_base_ = "../phase2/lite.py"
run_name = "{stem}_{set}_{fold}"
pipeline = [
    dict(type="TruthAsCoarse") if step.type == "LoadCoarsePrediction" else step
    for step in _base_.test_dataloader.dataset.pipeline
]
model = dict(refiner=dict(components=dict(min_share=0.01, keep_below_iou=0.0)), gate=dict(value=1.0))
test_dataloader = dict(dataset=dict(pipeline=pipeline, predictions=None))
