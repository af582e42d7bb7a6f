# Three stages: SAM; the last decoder blocks and the head; from epoch 30 the whole decoder, its last blocks at half rate.
_base_ = "../../phase3/ultrarefiner.py"
optim_wrapper = dict(paramwise_cfg=dict(groups={"coarse_source.network.decoder": dict(lr=1e-5)}))
decoder = dict(
    epoch=30,
    train=["refiner", "gate", "coarse_source.network.decoder", "coarse_source.network.head"],
    eval=["coarse_source.*:BatchNorm*"],
    lr_factor={"coarse_source.network.decoder.blocks.[23]": 0.5},
)
default_hooks = dict(unfreezing=dict(stages=dict(decoder=decoder)))
