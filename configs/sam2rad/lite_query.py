# The same with learned queries, which predict a box and a mask prompt (Wahd et al. 2024). LiteMedSAM knows boxes.
_base_ = "./lite.py"
model = dict(
    prompt_predictor=dict(_delete_=True, type="QueryPromptPredictor"),
    losses=dict(_delete_=True, mask=dict(type="FocalDiceLoss", focal_weight=1.0, dice_weight=1.0)),
    loss_weights=dict(_delete_=True, mask=1.0),
)
