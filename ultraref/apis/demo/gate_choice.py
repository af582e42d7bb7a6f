"""The gate that a user of the page chooses, on what the model has already said."""

from dataclasses import dataclass

import torch

from ultraref.errors import UserError
from ultraref.registry import GATES
from ultraref.structures import SegDataSample

KINDS = ("model", "constant", "uncertainty")


@dataclass(frozen=True)
class GateChoice:
    """A gate without weights of its own.

    Attributes:
        kind: "model" is the gate as the model gave it; "constant" the same everywhere, the cap; "uncertainty" opens where the
            coarse probability is near 0.5, up to the cap.
        cap: the highest value that the gate takes, in [0, 1].

    Raises:
        UserError: another kind, or a cap out of range.
    """

    kind: str = "model"
    cap: float = 1.0

    def __post_init__(self):
        if self.kind not in KINDS:
            raise UserError(f"the gate is {self.kind!r}; it may be {', '.join(KINDS)}")
        if not isinstance(self.cap, (int, float)) or not 0 <= self.cap <= 1:
            raise UserError(f"the cap of the gate is {self.cap!r}; it must be a number from 0 to 1")

    @torch.inference_mode()
    def apply(self, sample: SegDataSample) -> SegDataSample:
        """Returns a copy of a prediction with this gate, and refined = lerp(coarse, sam, gate); without a coarse mask as it is.

        An empty coarse mask, which SAM was not asked about, stays as it is too: coarse and sam are the same then.
        """
        if "gate" not in sample:
            return sample
        coarse, sam = (sample.get(name).data[None].float() for name in ("coarse", "sam"))
        if self.kind == "model":
            gate = sample.gate.data[None].float().clamp(max=self.cap)
        elif self.kind == "constant":
            gate = GATES.build(dict(type="ConstantGate", value=float(self.cap)))(coarse, sam)
        else:
            gate = GATES.build(dict(type="UncertaintyGate", gate_max=float(self.cap)))(coarse, sam)
        gated = sample.clone()
        gated.set_pixels("gate", gate[0])
        gated.set_pixels("refined", torch.lerp(coarse, sam, gate)[0])
        return gated
