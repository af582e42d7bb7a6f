# The published LiteMedSAM; the less SAM agrees with the coarse mask, the less of it is taken: docs/explanation/do-no-harm.md.
_base_ = "../../phase3/lite.py"
model = dict(
    refiner=dict(checkpoint=None, components=dict(keep_below_iou=0.0)),
    gate=dict(_delete_=True, type="AgreementGate", tau=0.65, gate_max=0.5),
)
