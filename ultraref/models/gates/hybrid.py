"""Product of the uncertainty gate and the learned gate."""

from torch import Tensor

from ultraref.errors import UserError
from ultraref.models.gates.base import BaseGate, CaseFacts, apply_gate
from ultraref.registry import GATES


@GATES.register_module()
class HybridGate(BaseGate):
    """Uncertainty gate times learned gate (reference of UltraRefiner, section 2.5.3).

    It opens where the coarse mask is uncertain and the network expects the refinement to help.

    Args:
        uncertainty: config of the first factor.
        learned: config of the second factor.

    Raises:
        ValueError: both factors read image features, of different numbers of channels.
    """

    def __init__(self, uncertainty: dict | None = None, learned: dict | None = None):
        super().__init__()
        self.uncertainty = GATES.build(uncertainty or {"type": "UncertaintyGate"})
        self.learned = GATES.build(learned or {"type": "LearnedGate"})
        channels = {gate.feature_channels for gate in (self.uncertainty, self.learned)} - {0}
        if len(channels) > 1:
            raise UserError(
                f"HybridGate: the factors read features of {sorted(channels)} channels; they get the same ones"
            )
        self.feature_channels = max(channels, default=0)
        self.reads_facts = self.uncertainty.reads_facts or self.learned.reads_facts

    def forward(
        self,
        coarse_prob: Tensor,
        sam_prob: Tensor,
        features: Tensor | None = None,
        facts: CaseFacts | None = None,
    ) -> Tensor:
        """See the base class."""
        inputs = (coarse_prob, sam_prob, features, facts)
        return apply_gate(self.uncertainty, *inputs) * apply_gate(self.learned, *inputs)
