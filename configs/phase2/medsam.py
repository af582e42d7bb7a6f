# Phase 2 on MedSAM ViT-B: as sam_hybrid.py, but with boxes of components, one candidate and cached embeddings.
# python tools/train.py configs/phase2/medsam.py --set busi --fold 0
_base_ = ["./sam_hybrid.py", "../_base_/models/box_refiners.py"]
run_name = "sam_medsam_{set}_{fold}"
model = dict(data_preprocessor=dict(hash_images=True), refiner=dict(_delete_=True, **_base_.medsam_refiner))
# Geometric augmentation would make each image a new one for the cache.
train_pipeline = [step for step in _base_.train_pipeline if step.type != "RandomRotateFlip"]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
