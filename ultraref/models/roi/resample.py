"""Crop along boxes, and paste back. Differentiable in the picture and in the box; autocast is off.

Coordinates and boxes: see `ultraref.models.roi.geometry`.
"""

import torch
from torch import Tensor

from ultraref.models.precision import full_precision
from ultraref.models.roi.geometry import frame_to_crop, pixel_centres, whole_frame


@full_precision
def crop_bilinear(x: Tensor, box: Tensor, size: int) -> Tensor:
    """Cuts out boxes, interpolating bilinearly between pixel centres. Meant for magnification or a shrinkage below 2.

    Samples outside of the frame are 0, except those up to one pixel of the crop beyond its edge, towards which `paste`
    interpolates: they are extrapolated linearly from the frame, within the range of its values.

    Args:
        x: (B, C, H, W).
        box: (B, 4) xyxy in the frame of `x`; may reach past it.
        size: side of the crop.

    Returns:
        (B, C, size, size), at least float32.
    """
    centres, frame = pixel_centres(box, size), whole_frame(x).to(box)
    low, high = x.amin(dim=(-2, -1), keepdim=True), x.amax(dim=(-2, -1), keepdim=True)
    for axis, dim in ((0, -1), (1, -2)):
        x = _linear(x, centres[..., axis], dim)
    crop_pixel = ((box[:, 2:] - box[:, :2]) / size).repeat(1, 2)
    in_frame = _membership(centres, centres, frame + crop_pixel * box.new_tensor([-1, -1, 1, 1]))
    return torch.where(in_frame, x.clamp(low, high), 0.0)


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
    columns = _overlap(box[:, 0], box[:, 2], size, width).to(x.dtype)
    rows = _overlap(box[:, 1], box[:, 3], size, height).to(x.dtype)
    return rows[:, None] @ x @ columns[:, None].transpose(-1, -2)


@full_precision
def paste(prob: Tensor, box: Tensor, size: tuple[int, int], outside: Tensor) -> Tensor:
    """Puts crops back into the frame.

    A pixel of the frame belongs to the box when its centre lies between the edges: a hard test, so that nothing leaks
    to the outside at any threshold. It is then interpolated from the crop by cubic convolution (R. Keys, 1981, with
    a = -1/2) and clamped to [0, 1]; every other pixel is that of `outside`. Of what the crop holds past the frame,
    which is padding, only the next pixel is used.

    With r = (x2 - x1) / s pixels of the frame per pixel of the crop, paste(crop(m)) differs from m by at most
    3/16 * d * r at a kink of m where its slope changes by d: by 0.023 at the foot of a ramp of 1/16 per pixel when the
    box is twice as long as the frame and s is the frame's side. Bilinear interpolation would give 4/3 of that.

    Args:
        prob: (B, C, s, s) crop, s >= 2; a probability, not logits: a logit of 0 is a probability of 0.5.
        box: (B, 4) where it was cut from, in the frame.
        size: (height, width) of the frame.
        outside: (B, C, height, width) probability outside of the box.

    Returns:
        (B, C, height, width) in [0, 1], at least float32. Gradients reach `prob` and `box` from inside the box, and
        `outside` from outside.
    """
    inside, in_box = _into_frame(prob, box, size)
    return torch.where(in_box, inside.clamp(0, 1), outside.to(inside.dtype))


@full_precision
def paste_logits(logits: Tensor, box: Tensor, size: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Puts logits back into the frame, for a loss: a probability that is nearly 0 or 1 has hardly a gradient left.

    Args:
        logits: (B, C, s, s) crop, s >= 2.
        box, size: see `paste`.

    Returns:
        (B, C, height, width) logits, interpolated as in `paste`, and (B, 1, height, width) bool, where the box is. They mean nothing
        elsewhere.
    """
    return _into_frame(logits, box, size)


def _into_frame(x: Tensor, box: Tensor, size: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Interpolates crops at the frame's pixels; returns them with (B, 1, height, width) bool, where the box is."""
    crop_size = x.shape[-1]
    frame = box.new_tensor([-0.5, -0.5, size[1] - 0.5, size[0] - 0.5])
    # The frame's pixels, and its edges, in the crop. The longer side's pixels serve both axes.
    index = torch.arange(max(size), device=box.device, dtype=box.dtype)[None, :, None].expand(box.shape[0], -1, 2)
    position = frame_to_crop(index, box, crop_size)
    edges = frame_to_crop(frame.view(1, 2, 2).expand(box.shape[0], -1, -1), box, crop_size).detach()
    first, last = edges[:, :1].ceil() - 1, edges[:, 1:].floor() + 1
    for axis, dim in ((0, -1), (1, -2)):
        along = position[:, : size[dim], axis]
        x = _cubic(x, along, first[..., axis], last[..., axis], dim)
    return x, _membership(index[:, : size[1]], index[:, : size[0]], box)


def _linear(x: Tensor, position: Tensor, dim: int) -> Tensor:
    """Interpolates (B, C, H, W) along `dim`, -1 or -2, at `position` (B, N); linear extrapolation past the ends."""
    left = position.detach().floor().clamp(0, x.shape[dim] - 2)
    shape = _shape_along(dim, x.shape[0])
    weight, left = (position - left).to(x.dtype).view(shape), left.long().view(shape)
    return torch.lerp(_pixels(x, left, dim), _pixels(x, left + 1, dim), weight)


def _cubic(x: Tensor, position: Tensor, first: Tensor, last: Tensor, dim: int) -> Tensor:
    """Interpolates by cubic convolution; pixels beyond `first` and `last`, (B, 1), are taken to equal those."""
    # The kernel reaches two pixels to each side. Past its ends the picture goes on linearly.
    length = x.shape[dim]
    (a, b), (y, z) = x.narrow(dim, 0, 2).split(1, dim), x.narrow(dim, length - 2, 2).split(1, dim)
    x = torch.cat([3 * a - 2 * b, 2 * a - b, x, 2 * z - y, 3 * z - 2 * y], dim)
    first, last = first.clamp(-2, length + 1), last.clamp(-2, length + 1)

    left = position.detach().floor()
    t = (position - left).to(x.dtype)
    weights = {
        -1: ((2 - t) * t - 1) * t / 2,
        0: ((3 * t - 5) * t * t + 2) / 2,
        1: ((4 - 3 * t) * t + 1) * t / 2,
        2: (t - 1) * t * t / 2,
    }
    shape = _shape_along(dim, x.shape[0])
    result = 0
    for offset, weight in weights.items():
        neighbour = (left + offset).clamp(min=first, max=last).long() + 2
        result = result + weight.view(shape) * _pixels(x, neighbour.view(shape), dim)
    return result


def _pixels(x: Tensor, index: Tensor, dim: int) -> Tensor:
    """Takes the pixels of (B, C, H, W) at `index` >= 0 along `dim`, shaped as `_shape_along` says."""
    # Not take_along_dim: it wraps negative indices, pixel by pixel.
    return x.gather(dim, index.expand(*x.shape[:dim], -1, *x.shape[dim:][1:]))


def _shape_along(dim: int, batch: int) -> tuple[int, ...]:
    """Shape of one number per sample and per pixel along `dim`."""
    return (batch, 1, 1, -1) if dim == -1 else (batch, 1, -1, 1)


def _membership(x: Tensor, y: Tensor, box: Tensor) -> Tensor:
    """Tells which of the points x[..., 0] (B, M) times y[..., 1] (B, N) lie in the box: (B, 1, N, M) bool."""
    left, top, right, bottom = box[:, None].unbind(dim=-1)
    columns = (x[..., 0] >= left) & (x[..., 0] <= right)
    rows = (y[..., 1] >= top) & (y[..., 1] <= bottom)
    return (rows[:, :, None] & columns[:, None, :])[:, None]


def _overlap(lower: Tensor, upper: Tensor, size: int, length: int) -> Tensor:
    """Fraction of each of `size` cells from `lower` (B,) to `upper` (B,) that each of `length` pixels covers."""
    cell = ((upper - lower) / size)[:, None, None]
    start = lower[:, None, None] + cell * torch.arange(size, device=lower.device, dtype=lower.dtype)[:, None]
    pixel = torch.arange(length, device=lower.device, dtype=lower.dtype)
    covered = torch.minimum(start + cell, pixel + 0.5) - torch.maximum(start, pixel - 0.5)
    return covered.clamp(min=0) / cell
