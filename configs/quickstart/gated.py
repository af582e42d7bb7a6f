# Quick start, phase 3 with an uncertainty gate. The gate comes after phase 2 here (no published SAM is this small), which
# lets it go up to 1: only confident coarse pixels are kept.
_base_ = "./ultrarefiner.py"
model = dict(
    gate=dict(_delete_=True, type="UncertaintyGate", gamma=1.0, gate_min=0.0, gate_max=1.0),
)
