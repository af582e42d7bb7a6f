"""Predicts the Dice of the coarse mask and of SAM's, and whether taking SAM's does harm."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ultraref.errors import UserError
from ultraref.models.quality.base import BaseQualityHead, CaseEvidence
from ultraref.models.quality.case_features import SCALARS, case_scalars, pooled_features
from ultraref.registry import QUALITY_HEADS

# What predictions start from: the scalars that, untrained, rank cases best (docs/explanation/do-no-harm.md).
_PRIOR = [SCALARS.index(name) for name in ("agreement", "soft_dice_q_of_p", "soft_dice_p_of_q")]
# Overlaps nearer to 0 and 1 count as these, so that their logits stay finite.
_LEAST, _MOST = 0.01, 0.99


@QUALITY_HEADS.register_module()
class QualityHead(BaseQualityHead):
    """A linear map of three overlaps, and a small network that corrects it.

    The three are scalars that rank cases without any training: IoU of {q > 0.5} and {p > 0.5}, Dice of the one's mask that the other's probability
    leads one to expect, and the reverse. Predictions begin as the mean of their logits (harm as minus that), as a training set of a few
    hundred images is too small to find that out. The network reads all `case_scalars`, and by option SAM's embedding, pooled under and around both masks:
    each of the four pooled vectors is normalised (layer norm) and mapped to `embed_channels` numbers by one and the same linear map. Two
    layer-normed hidden layers follow, and a last one that begins at 0.

    Everything runs in float32 with autocast off, or in the precision of its weights where that is higher. The true Dice of training images is
    known, so that the loss role "quality" trains it on simulated errors and out-of-fold predictions alike.

    Args:
        feature_channels: C of SAM's embedding.
        embed_channels: numbers that a pooled vector is mapped to; 0 leaves the embedding out, which on BUSI cost nothing.
        hidden_channels: width of the hidden layers.
        dropout: of the hidden layers, in training.
        box_scales: SAM is asked again for boxes of these sizes relative to the prompt's, in one further batch of its decoder, and the IoU of
            its answers is an input. Each costs a decoding, (0.9, 1.1) two; on BUSI they
            told nothing that the other inputs don't.

    Raises:
        UserError: an argument is out of range.
    """

    def __init__(
        self,
        feature_channels: int = 256,
        embed_channels: int = 0,
        hidden_channels: int = 64,
        dropout: float = 0.1,
        box_scales: Sequence[float] = (),
    ):
        super().__init__()
        if feature_channels < 1 or embed_channels < 0 or hidden_channels < 1 or not 0 <= dropout < 1:
            raise UserError(
                f"QualityHead: feature_channels={feature_channels}, embed_channels={embed_channels}, hidden_channels={hidden_channels}, "
                f"dropout={dropout}; widths must be at least 1 (embed_channels 0) and dropout in [0, 1)"
            )
        if not all(0 < scale <= 4 for scale in box_scales):
            raise UserError(f"QualityHead: box_scales is {tuple(box_scales)}; each must lie in (0, 4]")
        self.box_scales = tuple(box_scales)
        self.feature_channels, self.embed_channels = feature_channels, embed_channels
        if embed_channels:
            self.embed = nn.Sequential(nn.LayerNorm(feature_channels), nn.Linear(feature_channels, embed_channels))
        self.layers = nn.Sequential(
            nn.Linear(len(SCALARS) + 4 * embed_channels, hidden_channels),
            nn.LayerNorm(hidden_channels),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(hidden_channels, hidden_channels),
            nn.LayerNorm(hidden_channels),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(hidden_channels, 3),
        )
        self.prior = nn.Linear(len(_PRIOR), 3)
        with torch.no_grad():
            for part in (self.layers[-1].weight, self.layers[-1].bias, self.prior.bias):
                part.zero_()
            signs = torch.tensor([[1.0], [1.0], [-1.0]])
            self.prior.weight.copy_((signs / len(_PRIOR)).expand(3, len(_PRIOR)))

    def forward(self, evidence: CaseEvidence) -> Tensor:
        """See the base class.

        Raises:
            UserError: the embedding has other channels.
        """
        channels = evidence.features.shape[1]
        if self.embed_channels and channels != self.feature_channels:
            raise UserError(
                f"QualityHead: SAM's embedding has {channels} channels; set model.refiner.quality_head.feature_channels={channels}"
            )
        weight = self.layers[0].weight
        with torch.autocast(weight.device.type, enabled=False):
            scalars = case_scalars(evidence).to(weight.dtype)
            pooled = pooled_features(evidence).to(weight.dtype) if self.embed_channels else None
            return self.predict(scalars, pooled)

    def predict(self, scalars: Tensor, pooled: Tensor | None) -> Tensor:
        """Returns the predictions (N, 3) from `case_scalars` (N, len(SCALARS)) and `pooled_features` (N, 4, C), which may be kept."""
        inputs = [scalars] if pooled is None else [scalars, self.embed(pooled).flatten(1)]
        prior = self.prior(scalars[:, _PRIOR].clamp(_LEAST, _MOST).logit())
        return (prior + self.layers(torch.cat(inputs, dim=1))).sigmoid()
