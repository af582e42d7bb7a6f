# The product of uncertainty and learned gate (reference 2.5.3).
_base_ = "../../phase3/gated_busi_fold0.py"
model = dict(
    gate=dict(
        _delete_=True,
        type="HybridGate",
        uncertainty=dict(type="UncertaintyGate", gate_max=0.5),
        learned=dict(type="LearnedGate", channels=32),
    )
)
optim_wrapper = dict(paramwise_cfg=dict(groups=dict(gate=dict(lr=1e-4))))
*hooks, unfreeze = _base_.custom_hooks
stages = [dict(stage, train=[*stage["train"], "gate"]) for stage in unfreeze["stages"]]
custom_hooks = [*hooks, dict(unfreeze, stages=stages)]
