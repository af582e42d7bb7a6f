"""SAM asked again, for boxes slightly larger and smaller: a mask that depends on a few pixels of its box is not to be trusted."""

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from ultraref.models.sam import SAM, ImageEmbedding, select_candidates
from ultraref.structures import Prompts


@torch.no_grad()
def box_stability(
    sam: SAM, embedding: ImageEmbedding, prompts: Prompts, selected: Tensor, scales: Sequence[float], multimask: bool
) -> Tensor:
    """IoU of SAM's masks with those of scaled boxes, averaged over the scales.

    All variants of all decodings go through the decoder in one batch. That batch is not the one of the answers themselves, which therefore
    stay what they are without it, bit for bit, and which alone keep a graph in training.

    Args:
        sam: a SAM.
        embedding: of the N decodings.
        prompts: of the N decodings; only the box is changed.
        selected: (N, 1, m, m) logits of SAM's answers.
        scales: factors on the box's sides, about its centre; the scaled box stays within the frame.
        multimask: as the answers were asked for.

    Returns:
        (N,) float32 in [0, 1]; 1 where there is no box, or no scale.
    """
    count = len(selected)
    if prompts.box is None or not scales or not count:
        return torch.ones(count, device=selected.device)
    boxes = torch.cat([scaled_box(prompts.box.detach(), scale, sam.image_size) for scale in scales])
    repeated = {name: value.repeat(len(scales), *[1] * (value.dim() - 1)) for name, value in prompts.as_dict().items()}
    rows = torch.arange(count, device=selected.device).repeat(len(scales))
    logits, iou = sam.decode(embedding[rows], replace(Prompts(**repeated), box=boxes), multimask_output=multimask)
    others = select_candidates(logits, iou).unflatten(0, (len(scales), count)) > 0
    own = selected > 0
    both, either = (part.flatten(2).sum(dim=2).float() for part in (others & own, others | own))
    return torch.where(either > 0, both / either.clamp(min=1), torch.ones_like(either)).mean(dim=0)


def scaled_box(box: Tensor, scale: float, image_size: int) -> Tensor:
    """Scales boxes (N, 4) xyxy, in pixel-index units, about their centres, and clamps them to [0, image_size - 1]."""
    low, high = box.float().split(2, dim=1)
    centre, half = (low + high) / 2, (high - low + 1) / 2 * scale
    return torch.cat([centre - half + 0.5, centre + half - 0.5], dim=1).clamp(0, image_size - 1)
