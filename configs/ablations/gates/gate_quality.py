# What SAM's answer is worth is predicted: phase 3 with the SAM and the quality head of ablations/quality/quality_head.py.
_base_ = "../../phase3/lite.py"
phase2 = f"work_dirs/quality_head_{_base_.set_name}_fold{_base_.fold}/best.pth"
model = dict(
    refiner=dict(checkpoint=phase2, quality_head=dict(type="QualityHead"), components=dict(keep_below_iou=0.0)),
    gate=dict(_delete_=True, type="AgreementGate", score="quality", tau=0.85, gate_max=0.5),
)
made_by = {
    phase2: f"python tools/train.py configs/ablations/quality/quality_head.py --set {_base_.set_name} --fold {_base_.fold}"
}
