"""Where else SAM may be asked about an image: boxes at other places than the coarse mask's own."""

from ultraref.models.proposals.base import BaseProposal, Proposals
from ultraref.models.proposals.sam2rad import SAM2RadProposal
from ultraref.models.proposals.second_mode import SecondModeProposal
from ultraref.models.proposals.threshold import ThresholdProposal

__all__ = ["BaseProposal", "Proposals", "SAM2RadProposal", "SecondModeProposal", "ThresholdProposal"]
