"""Prompt generators (from a coarse mask) and prompt predictors (from SAM's image embedding)."""

from ultraref.models.prompts.base import BasePromptGenerator, BasePromptPredictor
from ultraref.models.prompts.box import BoxPromptGenerator
from ultraref.models.prompts.component_box import ComponentBoxPromptGenerator
from ultraref.models.prompts.mask import MaskPromptGenerator
from ultraref.models.prompts.points import PointPromptGenerator
from ultraref.models.prompts.ppn import PPN, PredictedPoints
from ultraref.models.prompts.query_predictor import QueryPromptPredictor

__all__ = [
    "PPN",
    "BasePromptGenerator",
    "BasePromptPredictor",
    "BoxPromptGenerator",
    "ComponentBoxPromptGenerator",
    "MaskPromptGenerator",
    "PointPromptGenerator",
    "PredictedPoints",
    "QueryPromptPredictor",
]
