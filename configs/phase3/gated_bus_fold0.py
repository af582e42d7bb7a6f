# Phase 3 without phase 2: a published SAM behind an uncertainty gate, on bus, fold 0.
# Written by tools/generate_configs.py: change the template there.
# Reference 2.5: where phase 2 is skipped, gate_max is 0.5 and the mask prompt gaussian. Outside the ROI q is the coarse
# probability, else the gate would pull uncertain coarse pixels there to 0.
_base_ = "./ultrarefiner_bus_fold0.py"
model = dict(
    refiner=dict(
        checkpoint=None,
        roi=dict(outside="coarse"),
        prompts=[
            *_base_.model.refiner.prompts[:2],
            dict(type="MaskPromptGenerator", style="gaussian", kernel_size=7, sigma=3.0),
        ],
    ),
    gate=dict(_delete_=True, type="UncertaintyGate", gamma=1.0, gate_min=0.0, gate_max=0.5),
)
