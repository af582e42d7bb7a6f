"""SAM built from `segment_anything`: fast exact attention, batched decoding, LoRA, an embedding cache."""

from ultraref.models.sam.arch import ARCHS, SAMArch
from ultraref.models.sam.checkpoint import load_sam_checkpoint
from ultraref.models.sam.embedding_cache import EmbeddingCache
from ultraref.models.sam.lora import load_lora, lora_layers, lora_state_dict, save_lora
from ultraref.models.sam.sam import SAM
from ultraref.models.sam.selection import select_candidates

__all__ = [
    "ARCHS",
    "SAM",
    "EmbeddingCache",
    "SAMArch",
    "load_lora",
    "load_sam_checkpoint",
    "lora_layers",
    "lora_state_dict",
    "save_lora",
    "select_candidates",
]
