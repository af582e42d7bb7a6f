# The quick start's phase 3 with the gate of my_gate.py. After `make quickstart`:
# PYTHONPATH=examples/custom_gate python tools/train.py examples/custom_gate/edge_gate_phantoms.py
_base_ = "../../configs/quickstart/ultrarefiner.py"
custom_imports = dict(imports=["my_gate"])
model = dict(gate=dict(_delete_=True, type="EdgeGate", radius=4))
