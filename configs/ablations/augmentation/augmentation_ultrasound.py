# Phase 3 with ultrasound augmentation after rotation and flip: what differs between scanners and examiners.
_base_ = "../../phase3/ultrarefiner.py"
augmentation = [
    dict(type="RandomElasticWarp", prob=0.2),
    dict(type="RandomZoomShift", prob=0.3),
    *(dict(type=f"Random{name}", prob=0.3) for name in ("GammaContrast", "TimeGain")),
    *(dict(type=f"Random{name}", prob=0.2) for name in ("AcousticShadow", "Haze", "Speckle")),
]
load_image, load_mask, rotate_flip, *others = _base_.train_dataloader.dataset.pipeline
train_dataloader = dict(dataset=dict(pipeline=[load_image, load_mask, rotate_flip, *augmentation, *others]))
