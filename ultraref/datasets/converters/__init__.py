"""From the published archives to the one layout that `LesionDataset` reads."""

from ultraref.datasets.converters.busi import find_busi
from ultraref.datasets.converters.convert import ConversionReport, convert
from ultraref.datasets.converters.raw_sample import RawSample

__all__ = ["ConversionReport", "RawSample", "convert", "find_busi"]
