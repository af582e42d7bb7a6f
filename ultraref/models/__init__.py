"""Every model component. Importing this package fills the registries."""

from ultraref.models import (
    coarse,
    gates,
    losses,
    prob_transforms,
    prompts,
    proposals,
    quality,
    refiners,
    roi,
    sam,
    segmentors,
    test_time,
    weights,
)
from ultraref.models.data_preprocessor import SegDataPreprocessor

__all__ = [
    "SegDataPreprocessor",
    "coarse",
    "gates",
    "losses",
    "prob_transforms",
    "prompts",
    "proposals",
    "quality",
    "refiners",
    "roi",
    "sam",
    "segmentors",
    "test_time",
    "weights",
]
