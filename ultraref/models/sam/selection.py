"""One mask out of SAM's candidates, chosen before anything is upsampled, and one out of its answers to an image."""

import math

import torch
from torch import Tensor

from ultraref.errors import UserError


def select_candidates(logits: Tensor, iou: Tensor, mode: str = "best", temperature: float = 0.1) -> Tensor:
    """Returns one mask an image.

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


def joined_by_maximum(answers: Tensor, rows: Tensor, batch_size: int) -> Tensor:
    """Returns (B, ...), the maximum over the answers (N, ...) >= 0 to each image; `rows` (N,) says whose each is."""
    index = rows.view(-1, *[1] * (answers.dim() - 1)).expand_as(answers)
    return answers.new_zeros(batch_size, *answers.shape[1:]).scatter_reduce(0, index, answers, "amax")


def mean_predicted_iou(iou: Tensor, rows: Tensor, batch_size: int) -> Tensor:
    """The IoU that SAM predicts of its mask of each image: the best candidate's, averaged over the image's decodings.

    Args:
        iou: (N, K) predicted IoU of the candidates.
        rows: (N,) the image that each decoding is of.
        batch_size: B.

    Returns:
        (B,) without a gradient, in the precision of `iou`; NaN where SAM was not asked.
    """
    return mean_over_decodings(iou.detach().amax(dim=1), rows, batch_size)


def mean_over_decodings(values: Tensor, rows: Tensor, batch_size: int) -> Tensor:
    """Returns (B,), the mean of `values` (N,) over the decodings of each image; NaN where an image has none."""
    parts = (values, torch.ones_like(values))
    sums, counts = (values.new_zeros(batch_size).index_add(0, rows, part) for part in parts)
    return sums / counts


def predicted_iou_of_images(iou: Tensor, rows: Tensor, batch_size: int) -> list[float | None]:
    """As `mean_predicted_iou`, B numbers on the host; None where SAM was not asked."""
    values = mean_predicted_iou(iou.detach().cpu().double(), rows.cpu(), batch_size).tolist()
    return [None if math.isnan(value) else value for value in values]
