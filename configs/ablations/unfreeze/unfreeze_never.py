# The coarse network stays frozen.
_base_ = "../../phase3/ultrarefiner.py"
default_hooks = dict(unfreezing=dict(stages=dict(joint=None)))
