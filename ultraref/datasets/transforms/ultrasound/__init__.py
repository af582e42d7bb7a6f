"""Augmentations that imitate what differs between ultrasound scanners and examinations, one a file."""

from ultraref.datasets.transforms.ultrasound.acoustic_shadow import RandomAcousticShadow
from ultraref.datasets.transforms.ultrasound.base import GreyTransform, UltrasoundTransform
from ultraref.datasets.transforms.ultrasound.elastic_warp import RandomElasticWarp
from ultraref.datasets.transforms.ultrasound.gamma_contrast import RandomGammaContrast
from ultraref.datasets.transforms.ultrasound.haze import RandomHaze
from ultraref.datasets.transforms.ultrasound.speckle import RandomSpeckle
from ultraref.datasets.transforms.ultrasound.time_gain import RandomTimeGain
from ultraref.datasets.transforms.ultrasound.zoom_shift import RandomZoomShift

__all__ = [
    "GreyTransform",
    "RandomAcousticShadow",
    "RandomElasticWarp",
    "RandomGammaContrast",
    "RandomHaze",
    "RandomSpeckle",
    "RandomTimeGain",
    "RandomZoomShift",
    "UltrasoundTransform",
]
