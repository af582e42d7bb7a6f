# The learned gate with SAM's image embedding (256 channels) as a further input.
_base_ = "../../phase3/gated_busi_fold0.py"
model = dict(gate=dict(_delete_=True, type="LearnedGate", channels=32, feature_channels=256))
optim_wrapper = dict(paramwise_cfg=dict(groups=dict(gate=dict(lr=1e-4))))
*hooks, unfreeze = _base_.custom_hooks
stages = [dict(stage, train=[*stage["train"], "gate"]) for stage in unfreeze["stages"]]
custom_hooks = [*hooks, dict(unfreeze, stages=stages)]
