"""Learned queries that read a box and a mask prompt from SAM's image embedding."""

import torch
import torch.nn.functional as F
from segment_anything.modeling import TwoWayTransformer
from segment_anything.modeling.mask_decoder import MLP
from torch import Tensor, nn

from ultraref.models.precision import at_least_float32
from ultraref.models.prompts.base import BasePromptPredictor
from ultraref.models.prompts.ppn import to_pixels
from ultraref.registry import PROMPT_PREDICTORS
from ultraref.structures import Prompts


@PROMPT_PREDICTORS.register_module()
class QueryPromptPredictor(BasePromptPredictor):
    """Predicts a box and a mask prompt with learned tokens.

    Wahd et al., "Sam2Rad: A segmentation model for medical images with learnable prompts", arXiv:2409.06821: queries
    and image embedding attend to each other, here in the two-way transformer of SAM's mask decoder; then a box query
    gives the box, and the product of a mask query with the embedding the mask prompt. The mask loss trains both.

    Args:
        embed_dim: C, channels of SAM's image embedding. `SAM2RadSegmentor` fills it in.
        depth: two-way blocks.
        num_heads: attention heads.
        mlp_dim: hidden width of the blocks' MLPs.
    """

    kinds = frozenset({"box", "mask"})

    def __init__(self, embed_dim: int = 256, depth: int = 2, num_heads: int = 8, mlp_dim: int = 1024):
        super().__init__()
        self.queries = nn.Embedding(2, embed_dim)
        self.transformer = TwoWayTransformer(depth=depth, embedding_dim=embed_dim, num_heads=num_heads, mlp_dim=mlp_dim)
        self.position = nn.Linear(4, embed_dim)
        self.box_head = MLP(embed_dim, embed_dim, 4, 3)
        self.mask_head = MLP(embed_dim, embed_dim, embed_dim, 3)

    def forward(self, embedding: Tensor, image_size: int, mask_size: int) -> Prompts:
        """Returns `box` (B, 4) and `mask_logits` (B, 1, m, m). See the base class."""
        batch, channels, height, width = embedding.shape
        position = self.position(cell_position(height, width, embedding)).permute(2, 0, 1)
        queries = self.queries.weight.expand(batch, -1, -1)
        position = position.expand(batch, -1, -1, -1)
        tokens, cells = self.transformer(embedding, position, queries)

        centre, size = at_least_float32(self.box_head(tokens[:, 0])).sigmoid().chunk(2, dim=-1)
        # Corners as shares of the frame; half a side to either side of the centre.
        box = to_pixels(torch.cat([centre - size / 2, centre + size / 2], dim=-1), image_size)

        mask = (self.mask_head(tokens[:, 1]).unsqueeze(1) @ cells.transpose(1, 2)) / channels**0.5
        mask = mask.unflatten(2, (height, width))
        size = (mask_size, mask_size)
        return Prompts(
            box=box, mask_logits=F.interpolate(at_least_float32(mask), size, mode="bilinear", align_corners=False)
        )


def cell_position(height: int, width: int, like: Tensor) -> Tensor:
    """Returns (h, w, 4): x, y in [-1, 1] and the cosines of pi x, pi y; a linear map makes a position code of them."""
    y = ((torch.arange(height, device=like.device, dtype=like.dtype) + 0.5) / height * 2 - 1)[:, None].expand(-1, width)
    x = ((torch.arange(width, device=like.device, dtype=like.dtype) + 0.5) / width * 2 - 1).expand(height, -1)
    return torch.stack([x, y, torch.cos(torch.pi * x), torch.cos(torch.pi * y)], dim=-1)
