"""The SAM family, built from `segment_anything`: image encoders, batched decoding, LoRA, an embedding cache."""

from ultraref.models.sam.checkpoint import load_sam_checkpoint
from ultraref.models.sam.embedding_cache import EmbeddingCache
from ultraref.models.sam.image_embedding import ImageEmbedding
from ultraref.models.sam.image_encoders import BaseImageEncoder, SAMViT
from ultraref.models.sam.lora import load_lora, lora_layers, lora_state_dict, save_lora
from ultraref.models.sam.mask_decoder import SAMMaskDecoder
from ultraref.models.sam.sam import PARTS, SAM
from ultraref.models.sam.selection import (
    joined_by_maximum,
    mean_over_decodings,
    mean_predicted_iou,
    predicted_iou_of_images,
    select_candidates,
)

__all__ = [
    "PARTS",
    "SAM",
    "BaseImageEncoder",
    "EmbeddingCache",
    "ImageEmbedding",
    "SAMMaskDecoder",
    "SAMViT",
    "joined_by_maximum",
    "load_lora",
    "load_sam_checkpoint",
    "lora_layers",
    "lora_state_dict",
    "mean_over_decodings",
    "mean_predicted_iou",
    "predicted_iou_of_images",
    "save_lora",
    "select_candidates",
]
