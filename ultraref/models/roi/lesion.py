"""Region of interest around the lesion, from weighted statistics of the coarse mask."""

import torch
from torch import Tensor

from ultraref.errors import UserError
from ultraref.models.mask_statistics import is_empty, mask_statistics
from ultraref.models.precision import full_precision
from ultraref.models.roi.base import BaseROICropper
from ultraref.models.roi.geometry import whole_frame
from ultraref.registry import ROI_CROPPERS

# Keeps a division by the overhang of a box in the frame (0 / 0) out of the graph, in pixels.
SMALLEST_OVERHANG = 1e-3


@ROI_CROPPERS.register_module()
class LesionROICropper(BaseROICropper):
    """The box centroid +- (1 + `expand_ratio`) * `num_std` std (reference of UltraRefiner, section 2.4.1).

    In this order: a side shorter than `min_size` is widened about the centroid; with `square` both sides become the
    longer one; with `cap` the box is cut off at the frame. Without it the box may reach past the frame, but a side is
    never longer than the frame's: of a longer one, as much as is needed is cut off from what lies past the frame, in
    proportion on both ends. It would show SAM less detail than the whole image does, and after paste(crop(m)) small
    lesions would be missing. An empty mask (mass below one pixel of the coarse network) gets the whole frame.

    Args:
        expand_ratio: margin around the box of `num_std` std, as a fraction of it.
        num_std: half-width of the box in standard deviations, before the margin.
        min_size: least side, as a fraction of the frame's side along the same axis. It bounds the magnification to
            1 / min_size.
        cap: cut the box off at the frame's edges. Otherwise it may reach past them, where samples are 0.
        square: make both sides as long as the longer one, so that the crop keeps the frame's aspect. Cutting off at the
            frame's edges comes after, and may break the square.
        outside: see the base class.
        image_grad: see the base class.

    Raises:
        ValueError: an argument is outside of what is allowed.
    """

    def __init__(
        self,
        expand_ratio: float = 0.2,
        num_std: float = 2.5,
        min_size: float = 0.125,
        cap: bool = False,
        square: bool = False,
        outside: str = "background",
        image_grad: bool = False,
    ):
        super().__init__(outside, image_grad)
        if not expand_ratio >= 0:
            raise UserError(f"LesionROICropper: expand_ratio={expand_ratio}, but it must be at least 0")
        if not num_std > 0:
            raise UserError(f"LesionROICropper: num_std={num_std}, but it must be above 0")
        if not 0 < min_size <= 1:
            raise UserError(f"LesionROICropper: min_size={min_size}, but it is a fraction of the frame in (0, 1]")
        self.expand_ratio, self.num_std, self.min_size = expand_ratio, num_std, min_size
        self.cap, self.square = cap, square

    @full_precision
    def forward(self, prob: Tensor, coarse_pixel_area: float = 1.0) -> Tensor:
        """See the base class."""
        statistics = mask_statistics(prob)
        frame = whole_frame(prob)
        frame_sides = frame[2:] - frame[:2]

        half = (1 + self.expand_ratio) * self.num_std * statistics.std
        half = torch.maximum(half, self.min_size * frame_sides / 2)
        if self.square:
            half = half.amax(dim=1, keepdim=True).expand_as(half)
        box = torch.cat([statistics.centroid - half, statistics.centroid + half], dim=1)

        # What lies past the frame at each edge, (B, 4), and how much of it is cut off.
        outward = box.new_tensor([-1, -1, 1, 1])
        overhang = ((box - frame) * outward).clamp(min=0)
        if self.cap:
            cut = overhang
        else:
            excess = (2 * half - frame_sides).clamp(min=0)
            both_ends = overhang[:, :2] + overhang[:, 2:]
            cut = overhang * (excess / both_ends.clamp(min=SMALLEST_OVERHANG)).repeat(1, 2)
        box = box - cut * outward
        return torch.where(is_empty(prob, coarse_pixel_area)[:, None], frame, box)
