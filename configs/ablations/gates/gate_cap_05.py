# Phase 2 is skipped: at most half of SAM's correction (reference 2.5.5). The shipped gated config has this cap.
_base_ = "../../phase3/gated.py"
model = dict(gate=dict(gate_max=0.5))
