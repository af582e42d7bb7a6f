# The U-Net with mirroring as its one geometric augmentation: what encoder_sam_features.py is compared with.
_base_ = "../../phase1/unet.py"
mirror = dict(type="RandomMirror")
rotate_flip = dict(mirror, _delete_=True)
geometric = ("RandomRotateFlip", "RandomElasticWarp", "RandomZoomShift")
load_image, load_mask, *others = [step for step in _base_.train_pipeline if step.type not in geometric]
train_dataloader = dict(dataset=dict(pipeline=[load_image, load_mask, mirror, *others]))
