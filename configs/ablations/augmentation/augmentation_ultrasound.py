# Phase 3 with ultrasound augmentation after rotation and flip: what differs between scanners and examiners.
_base_ = ["../../phase3/ultrarefiner.py", "../../_base_/augmentation.py"]
load_image, load_mask, rotate_flip, *others = _base_.train_dataloader.dataset.pipeline
train_dataloader = dict(dataset=dict(pipeline=[load_image, load_mask, rotate_flip, *_base_.ultrasound, *others]))
