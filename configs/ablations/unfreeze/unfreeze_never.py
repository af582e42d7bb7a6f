# The coarse network stays frozen.
_base_ = "../../phase3/ultrarefiner_busi_fold0.py"
*hooks, unfreeze = _base_.custom_hooks
custom_hooks = [*hooks, dict(unfreeze, stages=unfreeze["stages"][:1])]
