"""Prompt generators (from a coarse mask) and prompt predictors (from SAM's image embedding)."""

from ultraref.models.prompts.base import BasePromptGenerator, BasePromptPredictor
from ultraref.models.prompts.box import BoxPromptGenerator
from ultraref.models.prompts.mask import MaskPromptGenerator
from ultraref.models.prompts.points import PointPromptGenerator

__all__ = [
    "BasePromptGenerator",
    "BasePromptPredictor",
    "BoxPromptGenerator",
    "MaskPromptGenerator",
    "PointPromptGenerator",
]
