# Phase 2 on simulated errors alone (reference, phase 2, alternative A): needs no coarse network to train.
# Validation draws its errors from (seed, epoch 0, index), so that they are the same each epoch: EpochSampler without
# shuffle stays at epoch 0. The test is on stored predictions, since what counts are the masks of a coarse network.
_base_ = "./sam_hybrid.py"
(simulated,) = (step.simulated for step in _base_.train_pipeline if step.type == "HybridCoarse")
train_pipeline = [simulated if step.type == "HybridCoarse" else step for step in _base_.train_pipeline]
val_pipeline = [simulated if step.type == "LoadCoarsePrediction" else step for step in _base_.eval_pipeline]
unstored = [dict(data_root=root) for root in _base_.sets.values()]
images = dict(predictions=None) if len(unstored) == 1 else dict(datasets=unstored)
train_dataloader = dict(dataset=dict(images, pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(images, pipeline=val_pipeline))
