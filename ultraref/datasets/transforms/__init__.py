"""What turns one sample's file names into a model's inputs, one transform a file."""

from ultraref.datasets.transforms.hybrid_coarse import HybridCoarse
from ultraref.datasets.transforms.load_coarse_prediction import LoadCoarsePrediction
from ultraref.datasets.transforms.load_image import LoadImage
from ultraref.datasets.transforms.load_lesion_mask import LoadLesionMask
from ultraref.datasets.transforms.pack_seg_inputs import PackSegInputs
from ultraref.datasets.transforms.random_rotate_flip import RandomRotateFlip
from ultraref.datasets.transforms.resize_to_models import ResizeToModels
from ultraref.datasets.transforms.simulate_coarse import SimulateCoarse

__all__ = [
    "HybridCoarse",
    "LoadCoarsePrediction",
    "LoadImage",
    "LoadLesionMask",
    "PackSegInputs",
    "RandomRotateFlip",
    "ResizeToModels",
    "SimulateCoarse",
]
