# The coarse network stays frozen.
_base_ = "../../phase3/ultrarefiner.py"
default_hooks = dict(unfreeze=dict(stages=dict(joint=None)))
