# Phase 2 on stored out-of-fold predictions alone (reference, phase 2, alternative B).
_base_ = "./sam_hybrid.py"
train_pipeline = [step.stored if step.type == "HybridCoarse" else step for step in _base_.train_pipeline]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
