"""SAM's self-attention with relative positions, computed exactly and without the N x N bias in memory.

The bias of SAM's encoder (from MViTv2) is a row term plus a column term, each linear in the query:

    score[i, j] = scale * q_i . k_j + q_i . R_h[row(i) - row(j)] + q_i . R_w[column(i) - column(j)]

The two terms of a query need only height + width numbers, not height * width.
"""

import torch
from torch import Tensor
from torch.nn import functional as F


def relative_table(rel_pos: Tensor, size: int) -> Tensor:
    """Looks up the relative position of every pair of rows (or columns).

    Args:
        rel_pos: (L, D), one row for each distance. Resized linearly if L isn't 2 * size - 1, as the package does.
        size: number of rows (columns) of the map.

    Returns:
        (size, size, D); entry [i, j] belongs to distance i - j.
    """
    if rel_pos.shape[0] != 2 * size - 1:
        rel_pos = resize_rel_pos(rel_pos, size)
    index = torch.arange(size, device=rel_pos.device)
    return rel_pos[index[:, None] - index[None, :] + size - 1]


def resize_rel_pos(rel_pos: Tensor, size: int) -> Tensor:
    """Resizes (L, D) relative positions linearly to a map of `size` rows: (2 * size - 1, D)."""
    resized = F.interpolate(rel_pos.t().unsqueeze(0), size=2 * size - 1, mode="linear")
    return resized.squeeze(0).t()


def row_and_column_products(q: Tensor, rel_h: Tensor, rel_w: Tensor) -> tuple[Tensor, Tensor]:
    """Multiplies queries (B, heads, H, W, D) with their rows' and columns' tables: (B, heads, H, W, H) and (.., W)."""
    rows = q @ relative_table(rel_h, q.shape[2]).transpose(1, 2)
    columns = (q.transpose(2, 3) @ relative_table(rel_w, q.shape[3]).transpose(1, 2)).transpose(2, 3)
    return rows, columns


def appended_attention(q: Tensor, k: Tensor, v: Tensor, rel_h: Tensor, rel_w: Tensor) -> Tensor:
    """Carries the bias in longer vectors, and leaves the rest to the fused attention kernel.

    The query gets its row and column products appended, the key the one-hot of its row and column; their dot product is
    the score. v is padded to the same length, or the fused kernels refuse it.

    Args:
        q, k, v: (B, heads, H, W, D).
        rel_h, rel_w: (L, D) relative positions.

    Returns:
        (B, heads, H, W, D).
    """
    height, width, dim = q.shape[2:]
    rows, columns = row_and_column_products(q, rel_h, rel_w)
    longer = torch.cat([q * dim**-0.5, rows, columns], dim=-1).flatten(2, 3)
    pad = -longer.shape[-1] % 8  # the length that fused kernels want
    one_hot = torch.cat(
        [
            torch.eye(height, dtype=k.dtype, device=k.device)[:, None].expand(height, width, height),
            torch.eye(width, dtype=k.dtype, device=k.device)[None].expand(height, width, width),
        ],
        dim=-1,
    ).flatten(0, 1)
    keys = torch.cat([k.flatten(2, 3), one_hot.expand(*k.shape[:2], -1, -1)], dim=-1)
    if pad:
        longer, keys = F.pad(longer, (0, pad)), F.pad(keys, (0, pad))
    values = F.pad(v.flatten(2, 3), (0, keys.shape[-1] - dim))
    out = F.scaled_dot_product_attention(longer, keys, values, scale=1.0)
    return out[..., :dim].unflatten(2, (height, width))
