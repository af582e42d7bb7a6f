# Preserve good masks and correct bad ones: a network decides (reference 2.5.5).
_base_ = "../../phase3/gated.py"
model = dict(gate=dict(_delete_=True, type="LearnedGate", channels=32))
