"""SAM's self-attention with relative positions, computed exactly and without the N x N bias in memory.

The bias of SAM's encoder (from MViTv2) is a row term plus a column term, each linear in the query:

    score[i, j] = scale * q_i . k_j + q_i . R_h[row(i) - row(j)] + q_i . R_w[column(i) - column(j)]

The two terms of a query need only height + width numbers, not height * width. Two ways to use that, both exact:

- `appended_attention` carries the terms in longer vectors through the fused attention kernel: for accelerators, where
  one large kernel beats many small ones, although it triples the operations of attention to the whole map.
- `chunked_attention` takes a few queries at a time, so that their scores stay in the processor's cache: for CPUs.
  Measured on 2 AVX2 cores, fp32, ViT-B at 1024 px: 0.53 s against 1.07 s for a map of 64 x 64, and 0.046 s against
  0.077 s for 25 windows of 14 x 14.
"""

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from ultraref.models.exporting import being_exported

# Scores at a time of chunked_attention: 8 MiB in fp32. From 1 to 4 M the time is flat; beyond, it grows.
CHUNK_SCORES = 2**21


def relative_attention(q: Tensor, k: Tensor, v: Tensor, rel_h: Tensor, rel_w: Tensor, method: str = "auto") -> Tensor:
    """Self-attention with relative positions.

    Args:
        q, k, v: (B, heads, H, W, D).
        rel_h, rel_w: (L, D) relative positions of rows and of columns.
        method: `appended`, `chunked`, or `auto` for what was faster on the device.

    Returns:
        (B, heads, H, W, D).
    """
    if method == "auto":
        method = "chunked" if q.device.type == "cpu" and not being_exported() else "appended"
    return METHODS[method](q, k, v, rel_h, rel_w)


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

    Arguments and result are those of `relative_attention`.
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


def chunked_attention(q: Tensor, k: Tensor, v: Tensor, rel_h: Tensor, rel_w: Tensor) -> Tensor:
    """Computes the scores of a few queries at a time, and computes them again in the backward pass.

    bf16 and fp16 are widened to fp32 meanwhile: processors without matrix units for them are no faster in them.
    Arguments and result are those of `relative_attention`.
    """
    rows, columns = row_and_column_products(q, rel_h, rel_w)
    wide = torch.promote_types(q.dtype, torch.float32)
    flat = [x.to(wide).flatten(2, 3).flatten(0, 1).contiguous() for x in (q, k, v, rows, columns)]
    with torch.autocast(q.device.type, enabled=False):
        out = _ChunkedAttention.apply(*flat, q.shape[-1] ** -0.5)
    return out.to(v.dtype).view_as(q)


class _ChunkedAttention(torch.autograd.Function):
    """softmax(scale * q k^T + rows + columns) v of G maps of N = H * W tokens.

    The gradients are those of softmax attention (Dao et al., "FlashAttention", NeurIPS 2022, appendix B.4):
    dS = P * (dP - rowsum(dO * O)), with the row and column products' gradients the sums of dS over columns and rows.
    """

    @staticmethod
    def forward(ctx, q, k, v, rows, columns, scale):
        """q, k, v (G, N, D), rows (G, N, H), columns (G, N, W), all contiguous -> (G, N, D)."""
        out = torch.empty_like(v)
        for maps, queries in _chunks(q):
            p = _probabilities(q, k, rows, columns, scale, maps, queries)
            out[maps, queries] = p @ v[maps]
        ctx.save_for_backward(q, k, v, rows, columns, out)
        ctx.scale = scale
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx, grad):
        """Computes each chunk's probabilities again."""
        q, k, v, rows, columns, out = ctx.saved_tensors
        scale, grad = ctx.scale, grad.contiguous()
        d_q, d_rows, d_columns = torch.empty_like(q), torch.empty_like(rows), torch.empty_like(columns)
        d_k, d_v = torch.zeros_like(k), torch.zeros_like(v)
        for maps, queries in _chunks(q):
            p = _probabilities(q, k, rows, columns, scale, maps, queries)
            d_out = grad[maps, queries]
            d_v[maps].baddbmm_(p.transpose(1, 2), d_out)
            d_scores = d_out @ v[maps].transpose(1, 2)
            d_scores.sub_((d_out * out[maps, queries]).sum(-1, keepdim=True)).mul_(p)
            d_q[maps, queries] = d_scores @ k[maps] * scale
            d_k[maps].baddbmm_(d_scores.transpose(1, 2), q[maps, queries], alpha=scale)
            d_map = d_scores.unflatten(-1, (rows.shape[-1], columns.shape[-1]))
            d_rows[maps, queries] = d_map.sum(-1)
            d_columns[maps, queries] = d_map.sum(-2)
        return d_q, d_k, d_v, d_rows, d_columns, None


def _chunks(q: Tensor) -> list[tuple[slice, slice]]:
    """Cuts G maps of N queries into slices (of maps, of queries) of about CHUNK_SCORES scores."""
    count, tokens = q.shape[:2]
    queries = min(tokens, max(1, CHUNK_SCORES // tokens))
    maps = max(1, CHUNK_SCORES // tokens**2)
    return [
        (slice(i, i + maps), slice(j, j + queries)) for i in range(0, count, maps) for j in range(0, tokens, queries)
    ]


def _probabilities(q, k, rows, columns, scale, maps: slice, queries: slice) -> Tensor:
    """Attention probabilities (maps, queries, N) of one chunk."""
    bias = rows[maps, queries].unsqueeze(-1) + columns[maps, queries].unsqueeze(-2)
    scores = bias.flatten(2).baddbmm_(q[maps, queries], k[maps].transpose(1, 2), alpha=scale)
    return torch.softmax(scores, dim=-1, out=scores)


METHODS = {"appended": appended_attention, "chunked": chunked_attention}
