# Both networks train from the first epoch.
_base_ = "../../phase3/ultrarefiner_busi_fold0.py"
*hooks, unfreeze = _base_.custom_hooks
custom_hooks = [*hooks, dict(unfreeze, stages=[dict(unfreeze["stages"][1], epoch=0)])]
