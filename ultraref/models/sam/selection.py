"""One mask out of SAM's candidates, chosen before anything is upsampled."""

import torch
from torch import Tensor

from ultraref.errors import UserError


def select_candidates(logits: Tensor, iou: Tensor, mode: str = "best", temperature: float = 0.1) -> Tensor:
    """Returns one mask a image.

    Args:
        logits: (B, K, m, m) candidates.
        iou: (B, K) their predicted IoU.
        mode: `best` takes the candidate of the highest predicted IoU; `soft` averages the logits with the weights
            softmax(iou / temperature), through which gradients reach every candidate and the IoU head.
        temperature: of `soft`.

    Returns:
        (B, 1, m, m) logits.

    Raises:
        ValueError: the mode isn't known.
    """
    if mode == "best":
        index = iou.argmax(dim=1)[:, None, None, None]
        return logits.gather(1, index.expand(-1, 1, *logits.shape[2:]))
    if mode == "soft":
        weights = torch.softmax(iou.float() / temperature, dim=1).to(logits.dtype)
        return torch.einsum("bk,bkhw->bhw", weights, logits).unsqueeze(1)
    raise UserError(f"candidate selection {mode!r} is not known; give 'best' or 'soft'")
