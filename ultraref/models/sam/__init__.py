"""SAM built from `segment_anything`: fast exact attention, batched decoding, LoRA, an embedding cache."""

from ultraref.models.sam.arch import ARCHS, SAMArch
from ultraref.models.sam.sam import SAM
from ultraref.models.sam.selection import select_candidates

__all__ = ["ARCHS", "SAM", "SAMArch", "select_candidates"]
