# The quick start's phase 3 with an uncertainty gate, fold 0, on real BUSI.
_base_ = "./busi_ultrarefiner_fold0.py"
model = dict(
    gate=dict(_delete_=True, type="UncertaintyGate", gamma=1.0, gate_min=0.0, gate_max=1.0),
)
