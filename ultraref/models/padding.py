"""From the coarse network's frame, which the whole image fills, to SAM's, part of which may be padding."""

import torch
from torch import Tensor
from torch.nn import functional as F

from ultraref.models.precision import full_precision
from ultraref.models.roi.resample import crop_bilinear


def into_sam_frame(prob: Tensor, size: int, content_size: Tensor | None) -> Tensor:
    """Resizes a coarse probability, bilinearly, to where its image lies in SAM's frame.

    Args:
        prob: (B, 1, h, h) in [0, 1], over the whole image.
        size: S, side of SAM's frame.
        content_size: (B, 2) integer (height, width) of what is image there, at the top left; None where all of it is.

    Returns:
        (B, 1, S, S) in [0, 1]; 0 in the padding.
    """
    if content_size is None:
        return F.interpolate(prob, (size, size), mode="bilinear", align_corners=False)
    return _padded(prob, size, content_size)


@full_precision
def _padded(prob: Tensor, size: int, content_size: Tensor) -> Tensor:
    # In units of the coarse frame, SAM's reaches past its right and lower edge.
    shares = size / content_size.flip(1)  # (x, y)
    sides = shares * shares.new_tensor(prob.shape[:1:-1])
    box = torch.cat([torch.full_like(sides, -0.5), sides - 0.5], dim=1)
    return crop_bilinear(prob, box, size) * content_mask(size, content_size)


def content_mask(size: int, content_size: Tensor) -> Tensor:
    """Returns (B, 1, S, S) bool: which pixels of SAM's frame are image."""
    places = torch.arange(size, device=content_size.device)
    rows, columns = (places < content_size[:, axis, None] for axis in (0, 1))
    return rows[:, None, :, None] & columns[:, None, None, :]
