"""What bends MMEngine's training machinery: runner, hooks, optimizer pieces, and checks of a config before a run."""

from ultraref.engine.hooks import (
    BatchNormStatisticsHook,
    FiniteHook,
    GroupLearningRateHook,
    ProgressiveUnfreezeHook,
    ProvenanceHook,
    ReseedHook,
    UltraCheckpointHook,
    WeightAnchorHook,
)
from ultraref.engine.optim import GlobOptimWrapperConstructor, UltraAmpOptimWrapper
from ultraref.engine.runner import UltraRunner
from ultraref.engine.sharded_data_parallel import ShardedDataParallel
from ultraref.engine.train_loop import UltraTrainLoop

__all__ = [
    "BatchNormStatisticsHook",
    "FiniteHook",
    "GlobOptimWrapperConstructor",
    "GroupLearningRateHook",
    "ProgressiveUnfreezeHook",
    "ProvenanceHook",
    "ReseedHook",
    "ShardedDataParallel",
    "UltraAmpOptimWrapper",
    "UltraCheckpointHook",
    "UltraRunner",
    "UltraTrainLoop",
    "WeightAnchorHook",
]
