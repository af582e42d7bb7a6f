"""The two scales in which SAM's published weights want their images."""

import torch
from torch import Tensor, nn

from ultraref.errors import UserError

SCALES = ("imagenet", "minmax")
# RGB, in units of [0, 255]: segment_anything/modeling/sam.py.
IMAGENET_MEAN = (123.675, 116.28, 103.53)
IMAGENET_STD = (58.395, 57.12, 57.375)
# Least range of an image's values: MedSAM's and LiteMedSAM's inference code.
MIN_RANGE = 1e-8


class PixelScale(nn.Module):
    """Maps images in [0, 255] to what an image encoder was trained on.

    It has no entries in the state dict.

    Args:
        name: `imagenet` subtracts ImageNet's mean and divides by its standard deviation, channel by channel, as
            `segment_anything` does; `minmax` maps each image's own range to [0, 1], all channels alike, as MedSAM and
            LiteMedSAM do.

    Raises:
        ValueError: the name isn't known.
    """

    def __init__(self, name: str):
        super().__init__()
        if name not in SCALES:
            raise UserError(
                f"SAM image encoder: scale {name!r} is not known; give 'imagenet' (SAM) or 'minmax' (MedSAM, LiteMedSAM)"
            )
        self.name = name
        if name == "imagenet":
            self.register_buffer("mean", torch.tensor(IMAGENET_MEAN).view(1, 3, 1, 1), persistent=False)
            self.register_buffer("std", torch.tensor(IMAGENET_STD).view(1, 3, 1, 1), persistent=False)

    def forward(self, image: Tensor, content_size: Tensor | None = None) -> Tensor:
        """Scales whole images: a crop would have another range.

        Args:
            image: (B, 3, S, S) RGB in [0, 255].
            content_size: (B, 2) integer (height, width) of what is image, at the top left, and not padding; None where
                all of it is.

        Returns:
            (B, 3, S, S), at least float32. The padding is 0, and has no part in an image's range.
        """
        image = image.to(torch.promote_types(image.dtype, torch.float32))
        inside = None if content_size is None else content_mask(content_size, image.shape[-2:])
        if self.name == "imagenet":
            scaled = (image - self.mean) / self.std
        else:
            low, high = value_range(image, inside)
            scaled = (image - low) / (high - low).clamp(min=MIN_RANGE)
        return scaled if inside is None else torch.where(inside, scaled, 0)

    def describe(self) -> str:
        """Returns the scale and its numbers in words that differ where its results do."""
        if self.name == "imagenet":
            return f"imagenet: (x - {IMAGENET_MEAN}) / {IMAGENET_STD}"
        return f"minmax: (x - min) / max(max - min, {MIN_RANGE})"

    def extra_repr(self) -> str:
        return self.describe()


def content_mask(content_size: Tensor, size: tuple[int, int]) -> Tensor:
    """Returns (B, 1, H, W) bool, True within the content's (height, width), (B, 2), at the top left of `size`."""
    height, width = content_size.unbind(dim=1)
    rows = torch.arange(size[0], device=content_size.device) < height[:, None]
    columns = torch.arange(size[1], device=content_size.device) < width[:, None]
    return rows[:, None, :, None] & columns[:, None, None, :]


def value_range(image: Tensor, inside: Tensor | None) -> tuple[Tensor, Tensor]:
    """Returns each image's least and greatest value over all channels, (B, 1, 1, 1), `inside` (B, 1, H, W) alone."""
    low = image if inside is None else torch.where(inside, image, torch.inf)
    high = image if inside is None else torch.where(inside, image, -torch.inf)
    return low.amin(dim=(1, 2, 3), keepdim=True), high.amax(dim=(1, 2, 3), keepdim=True)
