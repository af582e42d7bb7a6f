"""Hooks of the training loop."""

from ultraref.engine.hooks.batch_norm_statistics_hook import BatchNormStatisticsHook
from ultraref.engine.hooks.checkpoint_hook import UltraCheckpointHook
from ultraref.engine.hooks.description_hook import DescriptionHook
from ultraref.engine.hooks.finite_hook import FiniteHook
from ultraref.engine.hooks.group_learning_rate_hook import GroupLearningRateHook
from ultraref.engine.hooks.input_contract_hook import InputContractHook
from ultraref.engine.hooks.mask_writer_hook import MaskWriterHook
from ultraref.engine.hooks.overlay_hook import OverlayHook
from ultraref.engine.hooks.progressive_unfreeze_hook import ProgressiveUnfreezeHook
from ultraref.engine.hooks.provenance_hook import ProvenanceHook
from ultraref.engine.hooks.reseed_hook import ReseedHook
from ultraref.engine.hooks.weight_anchor_hook import WeightAnchorHook

__all__ = [
    "BatchNormStatisticsHook",
    "DescriptionHook",
    "FiniteHook",
    "GroupLearningRateHook",
    "InputContractHook",
    "MaskWriterHook",
    "OverlayHook",
    "ProgressiveUnfreezeHook",
    "ProvenanceHook",
    "ReseedHook",
    "UltraCheckpointHook",
    "WeightAnchorHook",
]
