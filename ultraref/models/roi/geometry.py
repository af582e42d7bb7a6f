"""Where pixels of a crop lie in the frame that it was cut from.

A box is xyxy in pixel-index units: pixel j has its centre at j and covers [j - 0.5, j + 0.5]. The box's numbers are
the edges of the area that is cut out, so the whole frame is (-0.5, -0.5, W - 0.5, H - 0.5), and a crop of it at its
own size is the identity. Pixel i of a crop of s pixels has its centre at

    x = x1 + (i + 0.5) * (x2 - x1) / s

in the frame (`align_corners=False`), and the inverse is i = (x - x1) * s / (x2 - x1) - 0.5.
"""

import torch
from torch import Tensor

from ultraref.models.precision import full_precision


def whole_frame(like: Tensor) -> Tensor:
    """Returns the box (4,) of the whole frame of `like` (..., H, W), in its dtype and on its device."""
    height, width = like.shape[-2:]
    return like.new_tensor([-0.5, -0.5, width - 0.5, height - 0.5])


@full_precision
def crop_to_frame(points: Tensor, box: Tensor, size: int) -> Tensor:
    """Maps points of crops back into the frame.

    Args:
        points: (B, N, 2) (x, y) in pixel-index units of a crop of `size` x `size`. A box prompt is two points.
        box: (B, 4) where the crop was cut from.
        size: side of the crop in pixels.

    Returns:
        (B, N, 2) in pixel-index units of the frame.
    """
    lower, upper = box[:, None, :2], box[:, None, 2:]
    return lower + (points + 0.5) * (upper - lower) / size


@full_precision
def frame_to_crop(points: Tensor, box: Tensor, size: int) -> Tensor:
    """Maps points of the frame into crops; the inverse of `crop_to_frame`, of the same shapes."""
    lower, upper = box[:, None, :2], box[:, None, 2:]
    return (points - lower) * size / (upper - lower) - 0.5


@full_precision
def resize_box(box: Tensor, from_size: tuple[int, int], to_size: tuple[int, int]) -> Tensor:
    """Maps boxes (B, 4) between frames of one image, sizes (height, width): x_W = (x_w + 0.5) W / w - 0.5."""
    scale = box.new_tensor([to_size[1] / from_size[1], to_size[0] / from_size[0]]).repeat(2)
    return (box + 0.5) * scale - 0.5


def pixel_centres(box: Tensor, size: int) -> Tensor:
    """Returns (B, size, 2): the x and the y of a crop's pixel centres in the frame, in pixel-index units."""
    index = torch.arange(size, device=box.device, dtype=box.dtype)[None, :, None].expand(box.shape[0], -1, 2)
    return crop_to_frame(index, box, size)
