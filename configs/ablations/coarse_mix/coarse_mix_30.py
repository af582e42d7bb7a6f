# Phase 3 with simulated errors in place of the coarse network's p for 30 % of the training samples: the network was
# trained on these images, and its masks of them are better than those of new ones.
_base_ = "../../phase3/ultrarefiner.py"
model = dict(coarse_source=dict(type="FromMixture"))
simulate = dict(type="SimulateCoarse", augmentor=dict(type="MaskErrorAugmentor", preset="default"))
mix = dict(type="HybridCoarse", ratio=0.7, simulated=simulate)
load_image, load_mask, *others = _base_.train_dataloader.dataset.pipeline
train_dataloader = dict(dataset=dict(pipeline=[load_image, load_mask, mix, *others]))
