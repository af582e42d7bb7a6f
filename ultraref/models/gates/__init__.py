"""Gates: how much of the refinement is taken over, pixel by pixel."""

from ultraref.models.gates.base import BaseGate
from ultraref.models.gates.constant import ConstantGate
from ultraref.models.gates.hybrid import HybridGate
from ultraref.models.gates.learned import LearnedGate
from ultraref.models.gates.uncertainty import UncertaintyGate

__all__ = ["BaseGate", "ConstantGate", "HybridGate", "LearnedGate", "UncertaintyGate"]
