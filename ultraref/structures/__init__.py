"""What one sample and one set of prompts look like everywhere in the package."""

from ultraref.structures.prompts import GivenPrompts, Prompts
from ultraref.structures.seg_data_sample import SegDataSample

__all__ = ["GivenPrompts", "Prompts", "SegDataSample"]
