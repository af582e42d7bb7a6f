"""Gate from the uncertainty of the coarse probability."""

import torch
from torch import Tensor

from ultraref.errors import UserError
from ultraref.models.gates.base import BaseGate
from ultraref.models.precision import full_precision
from ultraref.registry import GATES

# Below this |2p - 1| the confidence counts as 0. For gamma < 1 the slope of confidence**gamma is infinite at 0, and
# stays below 2 * gamma * MIN_CONFIDENCE**(gamma - 1) this way.
MIN_CONFIDENCE = 1e-6


@GATES.register_module()
class UncertaintyGate(BaseGate):
    """gate_min + (gate_max - gate_min) * uncertainty(p) (reference of UltraRefiner, section 2.5.1).

    confidence = |2p - 1|, uncertainty = 1 - confidence**gamma. A larger gamma opens the gate more widely: at p = 0.2
    the uncertainty is 0.40 for gamma 1 and 0.64 for gamma 2. The reference's text says the opposite; its formula is
    followed.

    Args:
        gamma: exponent of the confidence, above 0.
        gate_min: gate where p is 0 or 1.
        gate_max: gate where p is 0.5.

    Raises:
        ValueError: not gamma > 0, or not 0 <= gate_min <= gate_max <= 1.
    """

    def __init__(self, gamma: float = 1.0, gate_min: float = 0.0, gate_max: float = 0.8):
        super().__init__()
        if not gamma > 0:
            raise UserError(f"UncertaintyGate: gamma={gamma}, but it must be above 0")
        if not 0 <= gate_min <= gate_max <= 1:
            raise UserError(
                f"UncertaintyGate: gate_min={gate_min}, gate_max={gate_max}, but they must keep 0 <= min <= max <= 1"
            )
        self.gamma, self.gate_min, self.gate_max = gamma, gate_min, gate_max

    @full_precision
    def forward(self, coarse_prob: Tensor, sam_prob: Tensor, features: Tensor | None = None) -> Tensor:
        """See the base class."""
        return self.gate_min + (self.gate_max - self.gate_min) * uncertainty(coarse_prob, self.gamma)


def uncertainty(prob: Tensor, gamma: float = 1.0) -> Tensor:
    """Returns 1 - |2p - 1|**gamma in [0, 1], with finite gradients for every gamma > 0; 0 is the one at p = 0.5."""
    confidence = (2 * prob - 1).abs()
    certain = confidence > MIN_CONFIDENCE
    # The inner `where` keeps the infinite slope at 0 out of the graph: masking its result alone gives 0 * inf = nan.
    power = torch.where(certain, confidence, 1.0) ** gamma
    return 1 - torch.where(certain, power, 0.0)
