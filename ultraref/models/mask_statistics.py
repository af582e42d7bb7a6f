"""Mass, centroid and spread of a soft mask: what points, boxes and the region of interest are made from.

Formulas: reference of UltraRefiner, sections 2.1, 2.2 and 2.4.1. They depart from it in one point. The reference adds
1e-6 to the mass; here a mass below one pixel is filled up to one pixel with the uniform distribution over the frame.
From one pixel of mass upward nothing changes (the reference's value differs by less than 1e-6 of itself), and below
it, where the reference's gradient grows to 1e9, the statistics go over smoothly to those of the whole frame and
gradients stay bounded.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from ultraref.errors import UserError
from ultraref.models.precision import full_precision

# Added to the variance before the root, in square pixels: the root of 0 has no derivative.
VARIANCE_EPS = 1e-6
# Below this mass, in pixels of the frame, statistics are mixed with those of the uniform distribution.
MIN_MASS = 1.0


@dataclass(frozen=True)
class MaskStatistics:
    """Statistics of B soft masks, in pixel-index units of their frame (pixel j has its centre at j).

    Attributes:
        mass: (B,) sum of the weights, in pixels.
        centroid: (B, 2) mean position, (x, y).
        std: (B, 2) standard deviation along (x, y), at least 1e-3.
        size: (height, width) of the frame.
    """

    mass: Tensor
    centroid: Tensor
    std: Tensor
    size: tuple[int, int]

    def box(self, num_std: float | Tensor) -> Tensor:
        """Returns the boxes centroid +- `num_std` std, (B, 4) xyxy, not clamped to the frame."""
        half = num_std * self.std
        return torch.cat([self.centroid - half, self.centroid + half], dim=1)

    def clamped_box(self, num_std: float) -> Tensor:
        """Returns the same boxes clamped to the centres of the frame's outermost pixels, [0, W-1] and [0, H-1]."""
        height, width = self.size
        upper = self.centroid.new_tensor([width - 1, height - 1, width - 1, height - 1])
        return self.box(num_std).clamp(min=torch.zeros_like(upper), max=upper)


@full_precision
def mask_statistics(weight: Tensor) -> MaskStatistics:
    """Computes the statistics of soft masks. Differentiable; autocast is off.

    Args:
        weight: (B, 1, H, W) float, non-negative; usually a probability in [0, 1].

    Returns:
        Statistics in float32, or float64 for float64 masks. An empty mask has those of the whole frame: the centroid at
        its centre ((W - 1) / 2, (H - 1) / 2) and the std of the uniform distribution sqrt((n**2 - 1) / 12).

    Raises:
        ValueError: `weight` is not of shape (B, 1, H, W).
    """
    _check_shape(weight)
    height, width = weight.shape[-2:]
    # Everything follows from the two marginals. Coordinates are taken from the frame's centre, where sums of
    # large and small numbers lose the least.
    marginals = weight.sum(dim=(1, 2)), weight.sum(dim=(1, 3))
    mass = marginals[0].sum(dim=1)
    missing = (MIN_MASS - mass).clamp(min=0)
    total = mass + missing
    centroid, std = [], []
    for marginal, length in zip(marginals, (width, height)):
        centre = (length - 1) / 2
        position = torch.arange(length, device=weight.device, dtype=weight.dtype) - centre
        mean = (marginal * position).sum(dim=1) / total
        spread = (marginal * (position - mean[:, None]) ** 2).sum(dim=1)
        uniform_spread = missing * ((length**2 - 1) / 12 + mean**2)
        centroid.append(mean + centre)
        std.append(torch.sqrt((spread + uniform_spread) / total + VARIANCE_EPS))
    return MaskStatistics(mass, torch.stack(centroid, dim=1), torch.stack(std, dim=1), (height, width))


@full_precision
def is_empty(prob: Tensor, coarse_pixel_area: float = 1.0) -> Tensor:
    """Tells which soft masks are empty: those with less mass than one pixel of the coarse network.

    Args:
        prob: (B, 1, H, W) probability in [0, 1], in any frame.
        coarse_pixel_area: area of one pixel of the coarse frame in pixels of the frame of `prob`, (H / h) * (W / w).

    Returns:
        (B,) bool.
    """
    _check_shape(prob)
    return prob.detach().sum(dim=(1, 2, 3)) < coarse_pixel_area


def _check_shape(weight: Tensor) -> None:
    if weight.ndim != 4 or weight.shape[1] != 1:
        raise UserError(f"a soft mask must have shape (B, 1, H, W), but has {tuple(weight.shape)}")
