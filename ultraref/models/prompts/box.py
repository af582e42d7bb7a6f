"""Box prompt from weighted statistics of the coarse mask."""

from torch import Tensor

from ultraref.errors import UserError
from ultraref.models.mask_statistics import mask_statistics
from ultraref.models.precision import full_precision
from ultraref.models.prompts.base import BasePromptGenerator
from ultraref.registry import PROMPT_GENERATORS
from ultraref.structures import Prompts


@PROMPT_GENERATORS.register_module()
class BoxPromptGenerator(BasePromptGenerator):
    """The box centroid +- `num_std` std of the coarse mask, clamped to [0, W-1] x [0, H-1].

    Formula: reference of UltraRefiner, section 2.2, std = sqrt(var + 1e-6). The edge of a uniform rectangle lies at
    1.73 std from its centre and that of a filled ellipse at 2, so that 2.5 leaves a margin around a convex lesion. An
    empty mask (mass below one pixel) gives the whole frame.

    A soft background blows the box up: 0.005 over 224 x 224 pixels has more mass than a small lesion. Put the
    probability transform `ProbFloor` before the generators.

    Args:
        num_std: half-width of the box in standard deviations.

    Raises:
        ValueError: `num_std` is not above 0.
    """

    def __init__(self, num_std: float = 2.5):
        super().__init__()
        if not num_std > 0:
            raise UserError(f"BoxPromptGenerator: num_std={num_std}, but it must be above 0")
        self.num_std = num_std

    @full_precision
    def forward(self, prob: Tensor, mask_size: int) -> Prompts:
        """Returns `box` (B, 4) xyxy. See the base class."""
        return Prompts(box=mask_statistics(prob).clamped_box(self.num_std))
