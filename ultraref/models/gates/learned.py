"""Gate from a small convolutional network."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ultraref.errors import UserError
from ultraref.models.gates.base import BaseGate
from ultraref.models.gates.uncertainty import uncertainty
from ultraref.models.precision import at_least_float32
from ultraref.registry import GATES

# Gate at the start: sigmoid(-2) = 0.119, so that training begins close to the coarse mask.
INITIAL_BIAS = -2.0
INITIAL_WEIGHT_STD = 1e-3
# Maps that image features are projected to. SAM's 256 channels, brought to 1024 px as they are, would take 1 GiB a
# sample.
PROJECTED_CHANNELS = 8


@GATES.register_module()
class LearnedGate(BaseGate):
    """Conv 3x3, ReLU, conv 3x3, ReLU, conv 1x1, sigmoid over p, q and uncertainty.

    Formula: reference of UltraRefiner, section 2.5.2; the uncertainty is 1 - |2p - 1|. Image features are
    projected to 8 maps by a 1x1 convolution at their own resolution, brought to the frame bilinearly, and concatenated.

    Args:
        channels: channels of the two hidden layers.
        feature_channels: channels of the image features; 0 for none.

    Raises:
        ValueError: `channels` or `feature_channels` is too small, or the call's features aren't what was declared.
    """

    def __init__(self, channels: int = 32, feature_channels: int = 0):
        super().__init__()
        if channels < 1 or feature_channels < 0:
            raise UserError(
                f"LearnedGate: channels={channels} and feature_channels={feature_channels}, but they must be at least "
                f"1 and 0"
            )
        self.feature_channels = feature_channels
        self.projection = nn.Conv2d(feature_channels, PROJECTED_CHANNELS, 1) if feature_channels else None
        inputs = 3 + (PROJECTED_CHANNELS if feature_channels else 0)
        self.layers = nn.Sequential(
            nn.Conv2d(inputs, channels, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels, channels, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels, 1, 1),
        )
        nn.init.normal_(self.layers[-1].weight, std=INITIAL_WEIGHT_STD)
        nn.init.constant_(self.layers[-1].bias, INITIAL_BIAS)

    def forward(self, coarse_prob: Tensor, sam_prob: Tensor, features: Tensor | None = None) -> Tensor:
        """See the base class."""
        inputs = [coarse_prob, sam_prob, uncertainty(coarse_prob)]
        if self.projection is not None:
            if features is None or features.shape[1] != self.feature_channels:
                found = "none" if features is None else features.shape[1]
                raise UserError(f"LearnedGate: needs {self.feature_channels} feature channels, but was given {found}")
            projected = self.projection(features)
            inputs.append(F.interpolate(projected, coarse_prob.shape[-2:], mode="bilinear", align_corners=False))
        logits = self.layers(torch.cat([tensor.to(self.layers[0].weight.dtype) for tensor in inputs], dim=1))
        return torch.sigmoid(at_least_float32(logits))
