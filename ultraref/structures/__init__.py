"""What one sample and one set of prompts look like everywhere in the package."""

from ultraref.structures.prompts import Prompts
from ultraref.structures.seg_data_sample import SegDataSample

__all__ = ["Prompts", "SegDataSample"]
