"""Refinement of coarse lesion masks in breast ultrasound: UltraRefiner and SAM2Rad on MMEngine."""

from ultraref import _compat
from ultraref.version import __version__

_compat.install()

__all__ = ["__version__"]
