# The published LiteMedSAM, taken over where its mask is that of a second coarse network: docs/explanation/do-no-harm.md.
_base_ = "../../phase3/lite.py"
second = f"work_dirs/encoder_mirror_{_base_.set_name}_fold{_base_.fold}/best.pth"
model = dict(
    opinion=dict(type="FromNetwork", network=_base_.unet, checkpoint=second),
    refiner=dict(checkpoint=None, components=dict(keep_below_iou=0.0)),
    gate=dict(_delete_=True, type="AgreementGate", score="opinion", tau=0.6, gate_max=0.5),
)
train_second = "python tools/train.py configs/ablations/encoder/encoder_mirror.py"
made_by = {second: f"{train_second} --set {_base_.set_name} --fold {_base_.fold}"}
