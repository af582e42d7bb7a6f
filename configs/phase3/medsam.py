# Phase 3 on MedSAM ViT-B: TransUNet and MedSAM jointly, with boxes of components and one candidate.
# python tools/train.py configs/phase3/medsam.py --set busi --fold 0
_base_ = ["./ultrarefiner.py", "../_base_/models/box_refiners.py"]
phase2 = f"work_dirs/sam_medsam_{_base_.set_name}_fold{_base_.fold}/best.pth"
model = dict(
    data_preprocessor=dict(hash_images=True),
    refiner=dict(_delete_=True, checkpoint=phase2, **_base_.medsam_refiner),
)
train_pipeline = [step for step in _base_.train_pipeline if step.type != "RandomRotateFlip"]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
made_by = {
    phase2: f"python tools/train.py configs/phase2/medsam.py --set {_base_.set_name} --fold {_base_.fold}",
}
