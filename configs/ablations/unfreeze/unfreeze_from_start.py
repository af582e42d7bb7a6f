# Both networks train from the first epoch.
_base_ = "../../phase3/ultrarefiner.py"
default_hooks = dict(unfreezing=dict(stages=dict(sam=None, joint=dict(epoch=0))))
