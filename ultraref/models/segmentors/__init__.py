"""The models that a config names."""

from ultraref.models.segmentors.coarse_segmentor import CoarseSegmentor
from ultraref.models.segmentors.refinement_segmentor import RefinementOutput, RefinementSegmentor
from ultraref.models.segmentors.sam2rad_segmentor import SAM2RadOutput, SAM2RadSegmentor

__all__ = ["CoarseSegmentor", "RefinementOutput", "RefinementSegmentor", "SAM2RadOutput", "SAM2RadSegmentor"]
