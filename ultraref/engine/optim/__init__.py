"""Pieces around the optimizer."""

from ultraref.engine.optim.glob_constructor import GlobOptimWrapperConstructor
from ultraref.engine.optim.ultra_amp_optim_wrapper import UltraAmpOptimWrapper

__all__ = ["GlobOptimWrapperConstructor", "UltraAmpOptimWrapper"]
