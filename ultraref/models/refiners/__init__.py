"""Refiners: (image, p) -> q."""

from ultraref.models.refiners.base import BaseRefiner, RefinerOutput
from ultraref.models.refiners.sam_refiner import SAMRefiner

__all__ = ["BaseRefiner", "RefinerOutput", "SAMRefiner"]
