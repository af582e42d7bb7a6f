# The learned gate with the image embedding of SAM (256 channels) as a further input.
_base_ = "../../phase3/gated.py"
model = dict(gate=dict(_delete_=True, type="LearnedGate", channels=32, feature_channels=256))
