# The coarse network is pulled back to its phase-1 weights: each step takes back lr * 100 = 0.1 % of the way.
_base_ = "../../phase3/ultrarefiner.py"
parts = ["coarse_source.network.decoder.blocks.[23]", "coarse_source.network.head"]
default_hooks = dict(weight_anchor=dict(type="WeightAnchorHook", parts=parts, weight=100.0))
