"""Coarse masks and probabilities that any tool made."""

from pathlib import Path

import numpy as np


def read_coarse(path: str | Path, shape: tuple[int, int], kind: str = "auto") -> np.ndarray:
    """Returns (H, W) float32 in [0, 1]."""
    raise NotImplementedError
