"""Box prompt around the mask itself, for weights that were trained with boxes of lesions."""

import torch
from torch import Tensor

from ultraref.errors import UserError
from ultraref.models.mask_statistics import mask_statistics
from ultraref.models.precision import full_precision
from ultraref.models.prompts.base import BasePromptGenerator
from ultraref.registry import PROMPT_GENERATORS
from ultraref.structures import Prompts


@PROMPT_GENERATORS.register_module()
class ComponentBoxPromptGenerator(BasePromptGenerator):
    """The box of {p > threshold}, grown by a margin, clamped to [0, W-1] x [0, H-1].

    Its four numbers are those of the outermost pixels, so a step of p has no effect on them until a pixel crosses the threshold.
    Gradients are those of the box of `num_std` standard deviations (straight-through: Bengio et al. 2013, arXiv:1308.3432), which
    moves with p. A mask without a pixel above the threshold gets that box itself, an empty one hence the whole frame.

    With `components` of the refiner, p is a single component of the coarse mask here, and each gets its box.

    Args:
        threshold: pixels above it belong to the lesion.
        margin: growth on each side, as a share of the box's side along that axis.
        jitter: in training each edge is moved by up to this share of the side, uniformly, as a user's box would be off. 0 in
            evaluation.
        num_std: half-width, in standard deviations, of the box that gives the gradients. 2 is the edge of a filled ellipse.

    Raises:
        UserError: `threshold` is outside (0, 1), `margin` or `jitter` negative, or `num_std` not above 0.
    """

    def __init__(self, threshold: float = 0.5, margin: float = 0.05, jitter: float = 0.0, num_std: float = 2.0):
        super().__init__()
        if not 0 < threshold < 1:
            raise UserError(f"ComponentBoxPromptGenerator: threshold={threshold}, but it must lie in (0, 1)")
        for name, value in (("margin", margin), ("jitter", jitter)):
            if value < 0:
                raise UserError(f"ComponentBoxPromptGenerator: {name}={value}, but it must not be negative")
        if not num_std > 0:
            raise UserError(f"ComponentBoxPromptGenerator: num_std={num_std}, but it must be above 0")
        self.threshold, self.margin, self.jitter, self.num_std = threshold, margin, jitter, num_std

    @full_precision
    def forward(self, prob: Tensor, mask_size: int) -> Prompts:
        """Returns `box` (B, 4) xyxy. See the base class."""
        soft = mask_statistics(prob).clamped_box(self.num_std)
        mask = prob.detach() > self.threshold
        hard = self._grown(tight_box(mask).to(prob.dtype), prob.shape[-2:])
        has_lesion = mask.flatten(1).any(dim=1)[:, None]
        return Prompts(box=torch.where(has_lesion, soft + (hard - soft).detach(), soft))

    def _grown(self, box: Tensor, size: tuple[int, int]) -> Tensor:
        # A box of pixels j to k is k - j + 1 pixels long.
        sides = (box[:, 2:] - box[:, :2] + 1).repeat(1, 2)
        outward = box.new_tensor([-1, -1, 1, 1])
        box = box + outward * self.margin * sides
        if self.training and self.jitter:
            box = box + (2 * torch.rand_like(box) - 1) * self.jitter * sides
        upper = box.new_tensor([size[1] - 1, size[0] - 1, size[1] - 1, size[0] - 1])
        return box.clamp(min=torch.zeros_like(upper), max=upper)


def tight_box(mask: Tensor) -> Tensor:
    """Returns the boxes of the outermost pixels, (B, 4) float xyxy in pixel-index units, of masks (B, 1, H, W) bool.

    An empty mask gives the whole frame, (0, 0, W - 1, H - 1).
    """
    edges = []
    for dim in (2, 3):  # over rows gives columns, hence x first
        hit = mask.any(dim=dim).squeeze(1)
        length = hit.shape[1]
        first = hit.float().argmax(dim=1)
        last = length - 1 - hit.flip(1).float().argmax(dim=1)
        edges.append((first, last))
    (left, right), (top, bottom) = edges
    return torch.stack([left, top, right, bottom], dim=1).float()
