"""Converted sets with planted duplicates."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ultraref.datasets.converters import Found, RawSample, convert


class Planter:
    """Collects pictures and the fold that each is to lie in, and writes them as a converted set."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.samples = []

    def add(self, name, image, fold, category="benign", patient=None):
        self.folder.mkdir(parents=True, exist_ok=True)
        mask = np.zeros(image.shape, np.uint8)
        mask[20:60, 30:80] = 255
        paths = [self.folder / f"{name}.png", self.folder / f"{name}_m.png"]
        for path, array in zip(paths, (image, mask)):
            Image.fromarray(array).save(path)
        self.samples.append(RawSample(name, paths[0], (paths[1],), category, patient, fold))

    def write(self, dataset) -> Path:
        root = self.folder / "converted" / dataset
        convert(Found(self.samples), root, dataset)
        return root


@pytest.fixture
def planter(tmp_path):
    """Makes a `Planter` for one set."""
    return lambda name: Planter(tmp_path / name)
