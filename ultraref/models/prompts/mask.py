"""Mask prompt: the coarse probability as logits at SAM's mask size."""

import torch
from torch import Tensor
from torch.nn import functional as F

from ultraref.errors import UserError
from ultraref.models.precision import full_precision
from ultraref.models.prompts.base import BasePromptGenerator
from ultraref.registry import PROMPT_GENERATORS
from ultraref.structures import Prompts


@PROMPT_GENERATORS.register_module()
class MaskPromptGenerator(BasePromptGenerator):
    """Logits (2p - 1) * `scale`, resized bilinearly to SAM's mask size (reference of UltraRefiner, section 2.3).

    The map is linear, in [-scale, scale], and thus not the logit of p: it keeps gradients alive at p = 0 and 1. An
    empty mask gives -scale everywhere.

    Args:
        style: 'direct' hands p on as it is, for a SAM that was trained on such masks; 'gaussian' blurs it first, in the
            frame of SAM's input, for a published SAM.
        scale: logit of p = 1.
        kernel_size: side of the blur kernel in pixels, odd; only for 'gaussian'.
        sigma: standard deviation of the blur in pixels; only for 'gaussian'.

    Raises:
        ValueError: an argument is outside of what is allowed, or the frame is too small for the blur kernel.
    """

    STYLES = ("direct", "gaussian")

    def __init__(self, style: str = "direct", scale: float = 10.0, kernel_size: int = 7, sigma: float = 3.0):
        super().__init__()
        if style not in self.STYLES:
            raise UserError(f"MaskPromptGenerator: style={style!r}, but it must be one of {self.STYLES}")
        if kernel_size < 1 or kernel_size % 2 == 0:
            raise UserError(f"MaskPromptGenerator: kernel_size={kernel_size}, but it must be odd and positive")
        for name, value in (("scale", scale), ("sigma", sigma)):
            if not value > 0:
                raise UserError(f"MaskPromptGenerator: {name}={value}, but it must be above 0")
        self.style, self.scale, self.kernel_size, self.sigma = style, scale, kernel_size, sigma

    @full_precision
    def forward(self, prob: Tensor, mask_size: int) -> Prompts:
        """Returns `mask_logits` (B, 1, m, m) in [-scale, scale]. See the base class."""
        if self.style == "gaussian":
            prob = gaussian_blur(prob, self.kernel_size, self.sigma)
        logits = (2 * prob - 1) * self.scale
        size = (mask_size, mask_size)
        return Prompts(mask_logits=F.interpolate(logits, size, mode="bilinear", align_corners=False))


def gaussian_blur(x: Tensor, kernel_size: int, sigma: float) -> Tensor:
    """Blurs (B, 1, H, W) with a separable Gaussian that sums to 1.

    At the borders the picture is reflected, without repeating the outermost pixel.

    Raises:
        ValueError: a side of `x` is not longer than half the kernel, so that it can't be reflected.
    """
    radius = kernel_size // 2
    if min(x.shape[-2:]) <= radius:
        raise UserError(
            f"a frame of {tuple(x.shape[-2:])} px can't be reflected by {radius} px: take a smaller kernel_size than "
            f"{kernel_size}"
        )
    offset = torch.arange(-radius, radius + 1, device=x.device, dtype=x.dtype)
    kernel = torch.softmax(-(offset**2) / (2 * sigma**2), dim=0)
    padded = F.pad(x, (radius,) * 4, mode="reflect")
    return F.conv2d(F.conv2d(padded, kernel.view(1, 1, 1, -1)), kernel.view(1, 1, -1, 1))
