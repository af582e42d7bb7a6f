"""SAM's image encoders: each owns all that is special about its weights."""

from ultraref.models.sam.image_encoders.base import BaseImageEncoder
from ultraref.models.sam.image_encoders.pixel_scale import SCALES, PixelScale
from ultraref.models.sam.image_encoders.tiny_vit import TinyViT
from ultraref.models.sam.image_encoders.vit import SAMViT

__all__ = ["SCALES", "BaseImageEncoder", "PixelScale", "SAMViT", "TinyViT"]
