"""How far several predictions of one image agree."""

import torch
from torch import Tensor


def mean_pairwise_dice(masks: Tensor) -> float:
    """Mean over all pairs of the Dice of two masks, which is 1 where both are empty.

    Args:
        masks: (M, H, W) bool, M >= 2.
    """
    flat = masks.flatten(1).double()
    both = flat @ flat.T
    areas = flat.sum(dim=1)
    total = areas[:, None] + areas
    dice = torch.where(total > 0, 2 * both / total.clamp(min=1), torch.ones_like(both))
    first, second = torch.triu_indices(len(masks), len(masks), offset=1, device=masks.device)
    return float(dice[first, second].mean())
