# The reference's default cap (2.5.1).
_base_ = "../../phase3/gated.py"
model = dict(gate=dict(gate_max=0.8))
