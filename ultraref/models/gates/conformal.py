"""Gate by case with a promise on the share of cases that refinement harms."""

import torch
from torch import Tensor

from ultraref.checkpoint import to_plain
from ultraref.errors import UserError
from ultraref.models.exporting import being_exported
from ultraref.models.gates.base import BaseGate, CaseFacts, apply_gate
from ultraref.models.gates.case_scores import CASE_SCORES
from ultraref.registry import GATES


@GATES.register_module()
class ConformalGate(BaseGate):
    """Takes SAM's mask of a case where a score is at least a threshold, and keeps the coarse one, bit for bit, elsewhere.

    tools/calibrate_gate.py chooses the threshold on images that the model has not seen, so that the share of harmed units (patients, groups
    of near-duplicates, images) is at most alpha: conformal risk control (Angelopoulos et al., ICLR 2024) with the loss
    "accepted and harmed". What is promised, and what is not: docs/explanation/do-no-harm.md. The gate decides about a trained model:
    train without it, then calibrate with a config that has it.

    Args:
        score: name of a score, one of `ultraref.models.gates.case_scores.CASE_SCORES`.
        gate: config of the gate of an accepted case; None takes SAM's mask as it is.

    Attributes:
        threshold: buffer, () float32, finite: least score of an accepted case.
        calibrated: buffer, () bool: whether `set_threshold` was called.
        settings: `score` and `gate`, in plain types: what a calibration holds for.

    Raises:
        UserError: there is no such score; or, when it is used, the gate is not calibrated, or in training.
    """

    reads_facts = True
    # What loading says of a checkpoint without its buffers.
    uncalibrated_hint = (
        "A ConformalGate has weights after its calibration only: run tools/calibrate_gate.py CONFIG CHECKPOINT --alpha 0.05 with this "
        "config and this checkpoint, and use the one that it writes"
    )

    def __init__(self, score: str = "agreement", gate: dict | None = None):
        super().__init__()
        if score not in CASE_SCORES:
            raise UserError(f"ConformalGate: score is {score!r}; it must be one of {', '.join(CASE_SCORES)}")
        self.score = score
        gate = gate or {"type": "ConstantGate", "value": 1.0}
        self.settings = to_plain({"score": score, "gate": gate})
        self.gate = GATES.build(gate)
        self.feature_channels = self.gate.feature_channels
        self.register_buffer("threshold", torch.tensor(0.0, dtype=torch.float32))
        self.register_buffer("calibrated", torch.tensor(False))

    def set_threshold(self, threshold: float) -> None:
        """Sets the least score of an accepted case; inf accepts nothing, -inf all that has a score."""
        # A checkpoint holds finite numbers only; no score is as great as the greatest of them.
        largest = torch.finfo(self.threshold.dtype).max
        self.threshold.fill_(min(max(threshold, -largest), largest))
        self.calibrated.fill_(True)

    def scores(self, coarse_prob: Tensor, sam_prob: Tensor, facts: CaseFacts | None) -> Tensor:
        """Returns the score of each case, (B,) float32 without a gradient; NaN where there is none, which is never accepted."""
        with torch.no_grad():
            return CASE_SCORES[self.score](coarse_prob, sam_prob, facts).float()

    def forward(
        self,
        coarse_prob: Tensor,
        sam_prob: Tensor,
        features: Tensor | None = None,
        facts: CaseFacts | None = None,
    ) -> Tensor:
        """See the base class."""
        # A recorded graph can't ask; whoever exports has run the model before.
        if not being_exported():
            self._check_calibrated()
        accepted = self.scores(coarse_prob, sam_prob, facts) >= self.threshold
        opened = apply_gate(self.gate, coarse_prob, sam_prob, features, facts)
        return torch.where(accepted[:, None, None, None], opened, torch.zeros_like(opened))

    def _check_calibrated(self) -> None:
        if self.training:
            raise UserError(
                "ConformalGate: it decides about a trained model and can't be trained with; train with the gate inside it as model.gate, "
                "then run tools/calibrate_gate.py CONFIG CHECKPOINT with this config"
            )
        if not self.calibrated:
            raise UserError(
                "ConformalGate: it is not calibrated, so there is no threshold of its score; run tools/calibrate_gate.py CONFIG CHECKPOINT "
                "--alpha 0.05 on the checkpoint, and use the one that it writes"
            )
