# Phase 3 without phase 2: a published SAM behind an uncertainty gate (reference 2.5).
# python tools/train.py configs/phase3/gated.py --set busi --fold 0
# Where phase 2 is skipped, gate_max is 0.5 and the mask prompt gaussian. Outside the ROI SAM's probability is the coarse one, else
# the gate would pull uncertain coarse pixels there to 0.
_base_ = "./ultrarefiner.py"
model = dict(
    refiner=dict(
        checkpoint=None,
        roi=dict(outside="coarse"),
        prompts=dict(mask=dict(style="gaussian", kernel_size=7, sigma=3.0)),
    ),
    gate=dict(_delete_=True, type="UncertaintyGate", gamma=1.0, gate_min=0.0, gate_max=0.5),
)
