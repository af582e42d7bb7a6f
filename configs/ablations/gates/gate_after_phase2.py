# A gate behind the SAM that phase 2 trained, for which the reference needs none. Outside the ROI q must be p then, else
# the gate pulls uncertain coarse pixels there to 0; it differs from what the checkpoint was trained with on purpose.
_base_ = "../../phase3/ultrarefiner.py"
model = dict(
    refiner=dict(roi=dict(outside="coarse"), allow_contract_change=True),
    gate=dict(_delete_=True, type="UncertaintyGate", gamma=1.0, gate_min=0.0, gate_max=0.8),
)
