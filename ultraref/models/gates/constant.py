"""The same gate everywhere."""

import torch
from torch import Tensor

from ultraref.errors import UserError
from ultraref.models.gates.base import BaseGate
from ultraref.models.precision import at_least_float32
from ultraref.registry import GATES


@GATES.register_module()
class ConstantGate(BaseGate):
    """A gate of `value` at every pixel: 1 is no gate (SAM's mask), 0 is the coarse mask.

    Args:
        value: the gate, in [0, 1].

    Raises:
        ValueError: `value` is outside [0, 1].
    """

    def __init__(self, value: float = 1.0):
        super().__init__()
        if not 0 <= value <= 1:
            raise UserError(f"ConstantGate: value={value}, but a gate must lie in [0, 1]")
        self.value = value

    def forward(self, coarse_prob: Tensor, sam_prob: Tensor, features: Tensor | None = None) -> Tensor:
        """See the base class."""
        return torch.full_like(at_least_float32(coarse_prob), self.value)
