# A promise on the share harmed, by a second coarse network's opinion: calibrate a checkpoint of gate_opinion.py with this config.
# python tools/calibrate_gate.py configs/ablations/gates/gate_conformal_opinion.py work_dirs/gate_opinion_busi_fold0/best.pth
_base_ = "../../phase3/lite.py"
pixel_gate = dict(type="ConstantGate", value=0.5)
model = dict(
    opinion=dict(type="FromNetwork", network=_base_.unet),
    refiner=dict(checkpoint=None, components=dict(keep_below_iou=0.0)),
    gate=dict(_delete_=True, type="ConformalGate", score="opinion", gate=pixel_gate),
)
