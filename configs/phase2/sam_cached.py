# Phase 2 for a small GPU or none: SAM's image embeddings are computed once and kept on disk. That needs a frozen encoder, the
# whole image (no ROI) and no geometric augmentation; the coarse masks still differ in each epoch.
_base_ = "./sam_hybrid.py"
train_pipeline = [step for step in _base_.train_pipeline if step.type != "RandomRotateFlip"]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
model = dict(
    data_preprocessor=dict(hash_images=True),
    refiner=dict(roi=None, embedding_cache="work_dirs/embeddings"),
)
