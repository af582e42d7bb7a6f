# A wider gate: at p = 0.2 it opens to 0.64 of the cap in place of 0.40.
_base_ = "../../phase3/gated.py"
model = dict(gate=dict(gamma=2.0))
