# Phase 3 without phase 2: the published MedSAM behind an uncertainty gate.
# python tools/train.py configs/phase3/medsam_gated.py --set busi --fold 0
_base_ = "./medsam.py"
model = dict(
    refiner=dict(checkpoint=None),
    gate=dict(_delete_=True, type="UncertaintyGate", gamma=1.0, gate_min=0.0, gate_max=0.5),
)
