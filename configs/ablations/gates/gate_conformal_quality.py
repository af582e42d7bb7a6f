# A promise on the share harmed, by the Dice that a quality head predicts of SAM's mask: calibrate a checkpoint of gate_quality.py with this config.
# python tools/calibrate_gate.py configs/ablations/gates/gate_conformal_quality.py work_dirs/gate_quality_busi_fold0/best.pth
_base_ = "../../phase3/lite.py"
pixel_gate = dict(type="ConstantGate", value=0.5)
model = dict(
    refiner=dict(checkpoint=None, quality_head=dict(type="QualityHead"), components=dict(keep_below_iou=0.0)),
    gate=dict(_delete_=True, type="ConformalGate", score="quality", gate=pixel_gate),
)
