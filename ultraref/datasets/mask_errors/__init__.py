"""Simulated segmentation errors: twelve primary errors, two secondary perturbations, and the augmentor."""

from ultraref.datasets.mask_errors.augmentor import MaskErrorAugmentor
from ultraref.datasets.mask_errors.base import BaseMaskError, check_mask
from ultraref.datasets.mask_errors.boundary_jitter import BoundaryJitter
from ultraref.datasets.mask_errors.bridge import Bridge
from ultraref.datasets.mask_errors.empty import Empty
from ultraref.datasets.mask_errors.false_positive_islands import FalsePositiveIslands
from ultraref.datasets.mask_errors.fragmentation import Fragmentation
from ultraref.datasets.mask_errors.giant_over_segmentation import GiantOverSegmentation
from ultraref.datasets.mask_errors.identity import Identity
from ultraref.datasets.mask_errors.internal_holes import InternalHoles
from ultraref.datasets.mask_errors.missing_chunk import MissingChunk
from ultraref.datasets.mask_errors.noise_scatter import NoiseScatter
from ultraref.datasets.mask_errors.over_segmentation import OverSegmentation
from ultraref.datasets.mask_errors.presets import PRESETS
from ultraref.datasets.mask_errors.shift import Shift
from ultraref.datasets.mask_errors.soft import soften
from ultraref.datasets.mask_errors.threshold_fluctuation import ThresholdFluctuation
from ultraref.datasets.mask_errors.under_segmentation import UnderSegmentation

__all__ = [
    "PRESETS",
    "BaseMaskError",
    "BoundaryJitter",
    "Bridge",
    "Empty",
    "FalsePositiveIslands",
    "Fragmentation",
    "GiantOverSegmentation",
    "Identity",
    "InternalHoles",
    "MaskErrorAugmentor",
    "MissingChunk",
    "NoiseScatter",
    "OverSegmentation",
    "Shift",
    "ThresholdFluctuation",
    "UnderSegmentation",
    "check_mask",
    "soften",
]
