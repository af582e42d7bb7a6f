# Three stages: SAM; the last decoder blocks and the head; from epoch 30 the whole decoder, its last blocks at half rate.
_base_ = "../../phase3/ultrarefiner_busi_fold0.py"
optim_wrapper = dict(paramwise_cfg=dict(groups={"coarse_source.network.decoder": dict(lr=1e-5)}))
*hooks, unfreeze = _base_.custom_hooks
third = dict(
    name="decoder",
    epoch=30,
    train=["refiner", "coarse_source.network.decoder", "coarse_source.network.head"],
    eval=["coarse_source.*:BatchNorm*"],
    lr_factor={"coarse_source.network.decoder.blocks.[23]": 0.5},
)
custom_hooks = [*hooks, dict(unfreeze, stages=[*unfreeze["stages"], third])]
