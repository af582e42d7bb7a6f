"""Decoders: an encoder's feature maps -> one map at the image's size. Contract: base.py."""

from ultraref.models.coarse.decoders.base import BaseDecoder
from ultraref.models.coarse.decoders.cascaded_upsampler import CascadedUpsampler

__all__ = ["BaseDecoder", "CascadedUpsampler"]
