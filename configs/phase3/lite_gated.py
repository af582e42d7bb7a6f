# Phase 3 without phase 2: the published LiteMedSAM behind an uncertainty gate.
# python tools/train.py configs/phase3/lite_gated.py --set busi --fold 0
# Gate and IoU were chosen on out-of-fold predictions with nothing trained: docs/explanation/real-weights.md.
_base_ = "./lite.py"
model = dict(
    refiner=dict(checkpoint=None, components=dict(keep_below_iou=0.7)),
    gate=dict(_delete_=True, type="UncertaintyGate", gamma=8.0, gate_min=0.0, gate_max=0.5),
)
