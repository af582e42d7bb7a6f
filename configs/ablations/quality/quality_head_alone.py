# The quality head of the published LiteMedSAM: SAM is frozen, and the head alone trains.
_base_ = "../../phase2/lite.py"
run_name = "{stem}_{set}_{fold}"
everything = ["image_encoder", "prompt_encoder", "mask_decoder"]
model = dict(
    refiner=dict(
        sam=dict(freeze=everything), quality_head=dict(type="QualityHead"), components=dict(keep_below_iou=0.0)
    ),
    losses=dict(candidate_mask=None, candidate_iou=None, quality=dict(type="QualityLoss")),
    loss_weights=dict(quality=1.0),
)
optim_wrapper = dict(optimizer=dict(lr=3e-4, weight_decay=1e-2))
train_cfg = dict(max_epochs=12)
