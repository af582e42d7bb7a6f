"""Pictures of predictions."""

from ultraref.visualization.overlay import draw_overlay

__all__ = ["draw_overlay"]
