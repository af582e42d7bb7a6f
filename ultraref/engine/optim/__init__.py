"""Pieces around the optimizer."""

from ultraref.engine.optim.glob_constructor import GlobOptimWrapperConstructor
from ultraref.engine.optim.group_clip_optim_wrapper import GroupClipOptimWrapper
from ultraref.engine.optim.poly_lr import FullPolyLR
from ultraref.engine.optim.ultra_amp_optim_wrapper import UltraAmpOptimWrapper

__all__ = ["FullPolyLR", "GlobOptimWrapperConstructor", "GroupClipOptimWrapper", "UltraAmpOptimWrapper"]
