"""The models that a config names."""

from ultraref.models.segmentors.coarse_segmentor import CoarseSegmentor
from ultraref.models.segmentors.refinement_segmentor import RefinementOutput, RefinementSegmentor

__all__ = ["CoarseSegmentor", "RefinementOutput", "RefinementSegmentor"]
