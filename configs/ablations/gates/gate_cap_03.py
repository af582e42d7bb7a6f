# The coarse network is accurate, or the published SAM guesses wildly: at most 30 % of its correction (reference 2.5.5).
_base_ = "../../phase3/gated.py"
model = dict(gate=dict(gate_max=0.3))
