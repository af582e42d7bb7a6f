# What differs between scanners and examiners, after rotation and flip (docs/explanation/augmentation.md).
ultrasound = [
    dict(type="RandomElasticWarp", prob=0.2),
    dict(type="RandomZoomShift", prob=0.3),
    *(dict(type=f"Random{name}", prob=0.3) for name in ("GammaContrast", "TimeGain")),
    *(dict(type=f"Random{name}", prob=0.2) for name in ("AcousticShadow", "Haze", "Speckle")),
]
