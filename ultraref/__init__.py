"""Refinement of coarse lesion masks in breast ultrasound: UltraRefiner and SAM2Rad on MMEngine."""

from ultraref import _compat
from ultraref.version import __version__

_compat.guard_torchvision()
_compat.mend_package_lookup()
_compat.warn_of_clobbered_packages()
_compat.require_mmcv()

__all__ = ["__version__"]
