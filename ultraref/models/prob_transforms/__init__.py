"""Differentiable maps of the coarse probability, before prompts and ROI."""

from ultraref.models.prob_transforms.base import BaseProbTransform
from ultraref.models.prob_transforms.floor import ProbFloor
from ultraref.models.prob_transforms.sharpen import ProbSharpen

__all__ = ["BaseProbTransform", "ProbFloor", "ProbSharpen"]
