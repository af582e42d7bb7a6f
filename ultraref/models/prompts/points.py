"""Point prompts: one point in the lesion and, by option, one in the background."""

import torch
from torch import Tensor

from ultraref.errors import UserError
from ultraref.models.mask_statistics import MaskStatistics, mask_statistics
from ultraref.models.precision import full_precision
from ultraref.models.prompts.base import BasePromptGenerator
from ultraref.registry import PROMPT_GENERATORS
from ultraref.structures import Prompts

# Edges of the box whose distances from the positive point differ by less count as equally far (pixels). Without
# clamping the box is symmetric about its centroid, and rounding would pick the corner.
TIE_TOLERANCE = 0.01


@PROMPT_GENERATORS.register_module()
class PointPromptGenerator(BasePromptGenerator):
    """Centroid of the coarse mask as the positive point, with a negative point beside the lesion.

    Positive point: sum(p**power * x) / sum(p**power), label 1 (soft-argmax; reference of UltraRefiner, section 2.1).

    Negative point, label 0, from the box mean +- `num_std` std that is clamped to [0, W-1]:
        'far_corner': the corner of the box that is farthest from the positive point. Of corners equally far, the one
            with the smaller x, then the smaller y. Gradients pass through the box's edges.
        'background_centroid': the reference's formula, the centroid of (1 - p) under the soft box
            sigmoid((x - x1) / tau) * sigmoid((x2 - x) / tau) * (the same in y). It is kept for fidelity: in most
            lesions it falls inside the lesion, because the background surrounds it.
        None: no negative point.

    An empty mask (mass of p**power below one pixel) has the positive point at the centre of the frame, and its box is
    the whole frame. For a mask that is 1 all over the box, the background centroid is the centre of the frame.

    Args:
        power: exponent of p, at least 1; 2 gives a soft background less weight.
        negative: 'far_corner', 'background_centroid' or None.
        tau: softness of the soft box's edges in pixels; only for 'background_centroid'.
        num_std: half-width of the box in standard deviations.

    Raises:
        ValueError: an argument is outside of what is allowed.
    """

    NEGATIVES = ("far_corner", "background_centroid", None)

    def __init__(self, power: float = 1.0, negative: str | None = "far_corner", tau: float = 1.0, num_std: float = 2.5):
        super().__init__()
        if negative not in self.NEGATIVES:
            raise UserError(f"PointPromptGenerator: negative={negative!r}, but it must be one of {self.NEGATIVES}")
        if not power >= 1:
            # Below 1 the gradient at p = 0 would be infinite.
            raise UserError(f"PointPromptGenerator: power={power}, but it must be at least 1")
        for name, value in (("tau", tau), ("num_std", num_std)):
            if not value > 0:
                raise UserError(f"PointPromptGenerator: {name}={value}, but it must be above 0")
        self.power, self.negative, self.tau, self.num_std = power, negative, tau, num_std

    @full_precision
    def forward(self, prob: Tensor, mask_size: int) -> Prompts:
        """Returns `points` (B, N, 2) and `labels` (B, N), N = 2, or 1 without a negative point. See the base class."""
        statistics = mask_statistics(prob)
        positive = statistics.centroid if self.power == 1 else mask_statistics(prob**self.power).centroid
        points = [positive]
        if self.negative == "far_corner":
            points.append(self._far_corner(statistics, positive))
        elif self.negative == "background_centroid":
            points.append(self._background_centroid(statistics, prob))
        labels = prob.new_tensor([1.0, 0.0][: len(points)]).expand(prob.shape[0], -1)
        return Prompts(points=torch.stack(points, dim=1), labels=labels)

    def _far_corner(self, statistics: MaskStatistics, positive: Tensor) -> Tensor:
        # The farthest corner is made of the farther edge along each axis.
        lower, upper = statistics.clamped_box(self.num_std).split(2, dim=1)
        upper_is_farther = (upper - positive) > (positive - lower) + TIE_TOLERANCE
        return torch.where(upper_is_farther, upper, lower)

    def _background_centroid(self, statistics: MaskStatistics, prob: Tensor) -> Tensor:
        height, width = statistics.size
        box = statistics.clamped_box(self.num_std)
        soft = []
        for axis, length in ((0, width), (1, height)):
            position = torch.arange(length, device=prob.device, dtype=prob.dtype)
            lower, upper = box[:, axis, None], box[:, axis + 2, None]
            soft.append(torch.sigmoid((position - lower) / self.tau) * torch.sigmoid((upper - position) / self.tau))
        soft_box = soft[1][:, None, :, None] * soft[0][:, None, None, :]
        return mask_statistics((1 - prob) * soft_box).centroid
