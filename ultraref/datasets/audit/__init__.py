"""Finds what a split leaks: duplicates across parts, patients in several parts, one lesion in two classes."""

from ultraref.datasets.audit.audit import Audit, audit
from ultraref.datasets.audit.contact_sheet import pair_sheet
from ultraref.datasets.audit.images import AuditImage, load_images
from ultraref.datasets.audit.pairs import Pair, find_pairs
from ultraref.datasets.audit.scatter import draw_scatter

__all__ = [
    "Audit",
    "AuditImage",
    "Pair",
    "audit",
    "draw_scatter",
    "find_pairs",
    "load_images",
    "pair_sheet",
]
