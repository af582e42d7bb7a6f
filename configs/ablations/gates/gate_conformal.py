# A promise on the share harmed: made of a checkpoint of phase3/lite.py, by calibration (docs/explanation/do-no-harm.md).
# python tools/calibrate_gate.py configs/ablations/gates/gate_conformal.py work_dirs/lite_busi_fold0/best.pth --set busi --fold 0
_base_ = "../../phase3/lite.py"
pixel_gate = dict(type="ConstantGate", value=0.5)
model = dict(gate=dict(_delete_=True, type="ConformalGate", score="agreement", gate=pixel_gate))
