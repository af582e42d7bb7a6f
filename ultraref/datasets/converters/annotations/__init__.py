"""Outlines that annotation tools write, one reader a format."""

from ultraref.datasets.converters.annotations.find import FORMATS, find_annotations

__all__ = ["FORMATS", "find_annotations"]
