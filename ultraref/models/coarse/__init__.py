"""Coarse networks (encoder and decoder, swapped separately) and the sources that hand p to a refinement model."""

from ultraref.models.coarse.decoders import CascadedUpsampler
from ultraref.models.coarse.encoder_decoder import EncoderDecoder
from ultraref.models.coarse.encoders import R50ViTEncoder, TimmEncoder
from ultraref.models.coarse.from_sam2rad import FromSAM2Rad
from ultraref.models.coarse.mixed_source import FromMixture
from ultraref.models.coarse.sources import BaseCoarseSource, CoarseOutput, FromNetwork, FromSample

__all__ = [
    "BaseCoarseSource",
    "CascadedUpsampler",
    "CoarseOutput",
    "EncoderDecoder",
    "FromMixture",
    "FromNetwork",
    "FromSAM2Rad",
    "FromSample",
    "R50ViTEncoder",
    "TimmEncoder",
]
