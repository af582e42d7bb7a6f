"""Builds small archives that copy the structure and the quirks of the published ones."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

SHAPE = (48, 60)
GREEN, RED = (0, 255, 0), (255, 0, 0)


class Archive:
    """Writes the files of an archive. Pictures differ from each other in every pixel, so none is a duplicate."""

    def __init__(self, root: Path):
        self.root = root
        self._rng = np.random.default_rng(0)

    def path(self, relative: str) -> Path:
        path = self.root / relative
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def image(self, relative: str, shape=SHAPE, mode="L") -> None:
        coarse = self._rng.integers(0, 256, (12, 15)).astype(np.uint8)
        picture = Image.fromarray(coarse).resize(shape[::-1], Image.Resampling.BICUBIC)
        picture.convert(mode).save(self.path(relative))

    def mask(self, relative: str, mask=None, mode="1", colour=None, **save) -> None:
        """Saves a mask; with a colour as RGB."""
        mask = square() if mask is None else mask
        if colour is None:
            picture = Image.fromarray(mask * 255).convert(mode)
        else:
            picture = Image.fromarray(mask[..., None] * np.array(colour, np.uint8))
        picture.save(self.path(relative), **save)

    def text(self, relative: str, content: str = "") -> None:
        self.path(relative).write_text(content)


def square(top=10, left=12, size=14, shape=SHAPE) -> np.ndarray:
    """A mask, (H, W) uint8 in {0, 1}."""
    mask = np.zeros(shape, np.uint8)
    mask[top : top + size, left : left + size] = 1
    return mask


@pytest.fixture
def archive(tmp_path) -> Archive:
    """An empty archive in tmp_path/"raw"."""
    return Archive(tmp_path / "raw")


@pytest.fixture
def draw_square():
    """The function that draws a square mask."""
    return square
