"""What turns one sample's file names into a model's inputs, one transform a file."""

from ultraref.datasets.transforms.base import LesionTransform, may_change_image
from ultraref.datasets.transforms.ground_truth_points import GroundTruthPoints
from ultraref.datasets.transforms.hybrid_coarse import HybridCoarse
from ultraref.datasets.transforms.load_coarse_prediction import LoadCoarsePrediction
from ultraref.datasets.transforms.load_coco_mask import LoadCocoMask
from ultraref.datasets.transforms.load_image import LoadImage
from ultraref.datasets.transforms.load_lesion_mask import LoadLesionMask
from ultraref.datasets.transforms.pack_sam2rad_inputs import PackSAM2RadInputs
from ultraref.datasets.transforms.pack_seg_inputs import PackSegInputs
from ultraref.datasets.transforms.random_mirror import RandomMirror
from ultraref.datasets.transforms.random_rotate_flip import RandomRotateFlip
from ultraref.datasets.transforms.resize_to_models import ResizeToModels
from ultraref.datasets.transforms.simulate_coarse import SimulateCoarse
from ultraref.datasets.transforms.truth_as_coarse import TruthAsCoarse
from ultraref.datasets.transforms.ultrasound import (
    RandomAcousticShadow,
    RandomElasticWarp,
    RandomGammaContrast,
    RandomHaze,
    RandomSpeckle,
    RandomTimeGain,
    RandomZoomShift,
)

__all__ = [
    "GroundTruthPoints",
    "HybridCoarse",
    "LesionTransform",
    "LoadCoarsePrediction",
    "LoadCocoMask",
    "LoadImage",
    "LoadLesionMask",
    "PackSAM2RadInputs",
    "PackSegInputs",
    "RandomAcousticShadow",
    "RandomElasticWarp",
    "RandomGammaContrast",
    "RandomHaze",
    "RandomMirror",
    "RandomRotateFlip",
    "RandomSpeckle",
    "RandomTimeGain",
    "RandomZoomShift",
    "ResizeToModels",
    "SimulateCoarse",
    "TruthAsCoarse",
    "may_change_image",
]
