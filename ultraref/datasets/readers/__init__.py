"""Opens what users have: images, frames and coarse masks of any common format."""

from ultraref.datasets.readers.base import ImageSource, PixelSpacing
from ultraref.datasets.readers.coarse_mask import read_coarse
from ultraref.datasets.readers.decoding import MAX_PIXELS
from ultraref.datasets.readers.mask_png import encode_grey_png, encode_mask_png
from ultraref.datasets.readers.open_source import SUFFIXES, open_source

__all__ = [
    "MAX_PIXELS",
    "SUFFIXES",
    "ImageSource",
    "PixelSpacing",
    "encode_grey_png",
    "encode_mask_png",
    "open_source",
    "read_coarse",
]
