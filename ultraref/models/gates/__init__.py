"""Gates: how much of the refinement is taken over, pixel by pixel."""

from ultraref.models.gates.agreement import AgreementGate
from ultraref.models.gates.base import BaseGate, CaseFacts, apply_gate
from ultraref.models.gates.conformal import ConformalGate
from ultraref.models.gates.constant import ConstantGate
from ultraref.models.gates.hybrid import HybridGate
from ultraref.models.gates.learned import LearnedGate
from ultraref.models.gates.uncertainty import UncertaintyGate

__all__ = [
    "AgreementGate",
    "BaseGate",
    "CaseFacts",
    "ConformalGate",
    "ConstantGate",
    "HybridGate",
    "LearnedGate",
    "UncertaintyGate",
    "apply_gate",
]
