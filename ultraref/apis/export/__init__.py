"""Trained models for others: as a bundle for ultraref, as graphs for programs that don't have it."""

from ultraref.apis.export.formats import FORMATS, export

__all__ = ["FORMATS", "export"]
