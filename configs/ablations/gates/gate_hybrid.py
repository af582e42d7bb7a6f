# The product of uncertainty and learned gate (reference 2.5.3).
_base_ = "../../phase3/gated.py"
uncertainty, learned = dict(type="UncertaintyGate", gate_max=0.5), dict(type="LearnedGate", channels=32)
model = dict(gate=dict(_delete_=True, type="HybridGate", uncertainty=uncertainty, learned=learned))
