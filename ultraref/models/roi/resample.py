"""Crop along boxes, and paste back. Differentiable in the picture and in the box; autocast is off.

Coordinates and boxes: see `ultraref.models.roi.geometry`.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from ultraref.models.precision import full_precision
from ultraref.models.roi.geometry import frame_to_crop, pixel_centres, whole_frame


@full_precision
def crop_bilinear(x: Tensor, box: Tensor, size: int) -> Tensor:
    """Cuts out boxes, interpolating bilinearly between pixel centres. Meant for magnification or a shrinkage below 2.

    A sample whose centre lies outside of the frame is 0. In the half pixel between the frame's edge and the outermost
    pixel centres the outermost pixel is repeated, so that a lesion at the border isn't faded out.

    Args:
        x: (B, C, H, W).
        box: (B, 4) xyxy in the frame of `x`; may reach past it.
        size: side of the crop.

    Returns:
        (B, C, size, size), at least float32.
    """
    left, top, right, bottom = whole_frame(x).to(box)
    x_centre, y_centre = pixel_centres(box, size)
    grid = _sampling_grid(x_centre, y_centre, x.shape[-2:])
    sampled = F.grid_sample(x, grid.to(x.dtype), mode="bilinear", padding_mode="border", align_corners=False)
    in_frame = _membership(x_centre, y_centre, left, top, right, bottom)
    return torch.where(in_frame, sampled, 0.0)


@full_precision
def crop_area(x: Tensor, box: Tensor, size: int) -> Tensor:
    """Cuts out boxes, averaging over the area of each pixel of the crop. For ground truth at any shrinkage.

    The picture is taken as constant over each of its pixels, and 0 outside of the frame. The mean over a pixel of the
    crop is then an exact sum of overlaps, separable in x and y; of a binary mask it is the fraction that the lesion
    covers. Sums of the crop, times the area of its pixels, are the sums of the frame: no lesion is lost however much
    it shrinks.

    Args and returns: as for `crop_bilinear`.
    """
    height, width = x.shape[-2:]
    columns = _overlap(box[:, 0], box[:, 2], size, width)
    rows = _overlap(box[:, 1], box[:, 3], size, height)
    return rows.to(x.dtype)[:, None] @ x @ columns.to(x.dtype)[:, None].transpose(-1, -2)


@full_precision
def paste(x: Tensor, box: Tensor, size: tuple[int, int], outside: Tensor) -> Tensor:
    """Puts crops back into the frame.

    A pixel of the frame belongs to the box when its centre lies between the edges (a hard test, so that nothing leaks
    to the outside at any threshold), and is then interpolated bilinearly from the crop; every other pixel is that of
    `outside`. Where the box reaches past the frame, only pixels of the crop with their centre in the frame are used:
    what lies beyond is padding, and would otherwise bleed into the border by a pixel of the crop.

    With r = (x2 - x1) / s frame pixels per pixel of the crop, paste(crop(m)) differs from m by at most d * r / 4 at a
    kink of m where its slope changes by d, and by r**2 / 8 times its second derivative where it is smooth.

    Args:
        x: (B, C, s, s) crop; a probability, not logits: a logit of 0 is a probability of 0.5.
        box: (B, 4) where it was cut from, in the frame.
        size: (height, width) of the frame.
        outside: (B, C, height, width) values outside of the box.

    Returns:
        (B, C, height, width), at least float32. Gradients reach `x` and the box from inside, `outside` from outside.
    """
    crop_size = x.shape[-1]
    left, top, right, bottom = box[:, None, :].unbind(dim=-1)
    x_frame = torch.arange(size[1], device=box.device, dtype=box.dtype)
    y_frame = torch.arange(size[0], device=box.device, dtype=box.dtype)
    x_frame, y_frame = x_frame.expand(len(box), -1), y_frame.expand(len(box), -1)

    # First and last pixel of the crop that lie in the frame, (B, 1, 2) each.
    edges = whole_frame(outside).to(box).view(1, 2, 2).expand(len(box), -1, -1)
    edges_in_crop = frame_to_crop(edges, box, crop_size).detach()
    first, last = edges_in_crop[:, :1].ceil(), edges_in_crop[:, 1:].floor()

    def to_crop(position: Tensor, axis: int) -> Tensor:
        index = (position - box[:, None, axis]) * crop_size / (box[:, None, axis + 2] - box[:, None, axis]) - 0.5
        return index.clamp(min=first[..., axis], max=last[..., axis])

    grid = _sampling_grid(to_crop(x_frame, 0), to_crop(y_frame, 1), (crop_size, crop_size))
    sampled = F.grid_sample(x, grid.to(x.dtype), mode="bilinear", padding_mode="border", align_corners=False)
    return torch.where(_membership(x_frame, y_frame, left, top, right, bottom), sampled, outside.to(x.dtype))


def _sampling_grid(x: Tensor, y: Tensor, size: tuple[int, int]) -> Tensor:
    """Makes the grid (B, N, M, 2) of `grid_sample` from x (B, M) and y (B, N) in pixel-index units of its input."""
    height, width = size
    x, y = (2 * x + 1) / width - 1, (2 * y + 1) / height - 1
    shape = (len(x), y.shape[1], x.shape[1])
    return torch.stack([x[:, None, :].expand(shape), y[:, :, None].expand(shape)], dim=-1)


def _membership(x: Tensor, y: Tensor, left, top, right, bottom) -> Tensor:
    """Tells which of the points x (B, M) times y (B, N) lie between the edges: (B, 1, N, M) bool."""
    columns, rows = (x >= left) & (x <= right), (y >= top) & (y <= bottom)
    return (rows[:, :, None] & columns[:, None, :])[:, None]


def _overlap(lower: Tensor, upper: Tensor, size: int, length: int) -> Tensor:
    """Fraction of each of `size` cells from `lower` (B,) to `upper` (B,) that each of `length` pixels covers."""
    cell = ((upper - lower) / size)[:, None, None]
    start = lower[:, None, None] + cell * torch.arange(size, device=lower.device, dtype=lower.dtype)[:, None]
    pixel = torch.arange(length, device=lower.device, dtype=lower.dtype)
    covered = torch.minimum(start + cell, pixel + 0.5) - torch.maximum(start, pixel - 0.5)
    return covered.clamp(min=0) / cell
