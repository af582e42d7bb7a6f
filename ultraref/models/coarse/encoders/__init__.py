"""Encoders: image -> feature maps, finest first. Contract: base.py."""

from ultraref.models.coarse.encoders.base import BaseEncoder
from ultraref.models.coarse.encoders.r50_vit import R50ViTEncoder
from ultraref.models.coarse.encoders.sam_feature_fusion import SAMFeatureFusion
from ultraref.models.coarse.encoders.timm_encoder import TimmEncoder

__all__ = ["BaseEncoder", "R50ViTEncoder", "SAMFeatureFusion", "TimmEncoder"]
