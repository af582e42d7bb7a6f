"""The components of a coarse mask that SAM is asked about one by one, and how its answers become one."""

from dataclasses import dataclass

import torch
from torch import Tensor

from ultraref.errors import UserError
from ultraref.models.mask_components import MaskComponents, find_components
from ultraref.models.sam import joined_by_maximum


@dataclass(frozen=True)
class ComponentSettings:
    """How a coarse mask falls into components, and what becomes of each: see `SAMRefiner`.

    Raises:
        UserError: a setting is out of range.
    """

    min_share: float = 0.2
    threshold: float = 0.5
    keep_below_iou: float = 0.0
    min_area: float = 0.0
    max_lesions: int | None = None
    rest: str = "drop"

    def __post_init__(self):
        for name, lowest in (("min_share", 0.01), ("threshold", 0.01), ("keep_below_iou", 0.0)):
            value = getattr(self, name)
            if not lowest <= value <= 1:
                raise UserError(f"model.refiner.components.{name} is {value}; it must lie in [{lowest}, 1]")
        if not self.min_area >= 0:
            raise UserError(f"model.refiner.components.min_area is {self.min_area}; it must be at least 0 (pixels)")
        if self.max_lesions is not None and not (isinstance(self.max_lesions, int) and self.max_lesions >= 1):
            raise UserError(
                f"model.refiner.components.max_lesions is {self.max_lesions!r}; it must be at least 1, or None"
            )
        if self.rest not in ("drop", "keep"):
            raise UserError(f"model.refiner.components.rest is {self.rest!r}; it must be 'drop' or 'keep'")

    def contract(self) -> dict:
        """Returns what a checkpoint notes: settings that came later are left out at their defaults, so that old ones still fit."""
        later = {name: getattr(self, name) for name in ("min_area", "max_lesions", "rest")}
        first = {name: getattr(self, name) for name in ("min_share", "threshold", "keep_below_iou")}
        return first | {name: value for name, value in later.items() if value != getattr(ComponentSettings, name)}

    def find(self, coarse_prob: Tensor, coarse_pixel_area: float) -> MaskComponents:
        """Returns the components of p, (B, 1, S, S), that SAM is asked about.

        `coarse_pixel_area` is that of a coarse pixel, in pixels of p's frame.
        """
        return find_components(
            coarse_prob > self.threshold, self.min_share, self.min_area * coarse_pixel_area, self.max_lesions
        )

    def join(
        self, answer: Tensor, logits: Tensor, from_logits: Tensor, found: MaskComponents, coarse_prob: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Joins SAM's answers to the components to the answers to the images.

        Args:
            answer: (N, 1, S, S) float in [0, 1], to each component.
            logits: (N, 1, S, S) float, those of `answer`.
            from_logits: (N, 1, S, S) bool, where `answer` has any.
            found: the N components.
            coarse_prob: (B, 1, S, S) p in [0, 1].

        Returns:
            q, its logits and where it has any, (B, 1, S, S) each. Of an image without a component q is p.
        """
        agreement = mask_iou(answer > 0.5, found.masks)
        stays = agreement[:, None, None, None] < self.keep_below_iou
        parts = [torch.where(stays, found.alone(coarse_prob), answer), logits, from_logits & ~stays]
        # At most a few components an image, so that one pass for each place among them, over all images at once, is enough.
        joined = [torch.zeros_like(part[:1]).repeat(len(coarse_prob), 1, 1, 1) for part in parts]
        first = torch.searchsorted(found.rows, found.rows)
        place = torch.arange(len(found.rows), device=first.device) - first
        for turn in range(int(place.max()) + 1):
            at = place == turn
            images = found.rows[at]
            greater = parts[0][at] > joined[0][images]
            joined = [
                whole.index_copy(0, images, torch.where(greater, part[at], whole[images]))
                for whole, part in zip(joined, parts)
            ]
        if self.rest == "keep":
            covered = joined_by_maximum(found.masks.to(coarse_prob.dtype), found.rows, len(coarse_prob)) > 0
            rest = coarse_prob * ((coarse_prob > self.threshold) & ~covered)
            is_rest = rest > joined[0]
            joined = [torch.where(is_rest, rest, joined[0]), joined[1], joined[2] & ~is_rest]
        asked = torch.zeros(len(coarse_prob), dtype=torch.bool, device=coarse_prob.device)
        asked[found.rows] = True
        return torch.where(asked[:, None, None, None], joined[0], coarse_prob), joined[1], joined[2]


def mask_iou(first: Tensor, second: Tensor) -> Tensor:
    """IoU of masks (N, 1, H, W) bool, (N,) float; 1 where both are empty."""
    both, either = (first & second).flatten(1).sum(dim=1), (first | second).flatten(1).sum(dim=1)
    return torch.where(either > 0, both / either.clamp(min=1), 1.0)
