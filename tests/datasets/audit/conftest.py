"""Converted sets with planted duplicates."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from ultraref.datasets.converters import Found, RawSample, convert
from ultraref.testing.phantom import make_phantom


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


def phantom(seed) -> np.ndarray:
    """A picture, (200, 240) uint8; each seed has its own."""
    return cv2.resize(make_phantom(np.random.default_rng(seed)).image, (240, 200), interpolation=cv2.INTER_AREA)


def changed(image, rng_seed=0) -> np.ndarray:
    """The same picture brighter, noisier, turned by 3 degrees and shifted."""
    motion = cv2.getRotationMatrix2D((120, 100), 3, 1.03) + [[0, 0, 3], [0, 0, -2]]
    moved = cv2.warpAffine(image, motion, (240, 200), borderMode=cv2.BORDER_REFLECT)
    noise = np.random.default_rng(rng_seed).normal(0, 4, image.shape)
    return np.clip(0.9 * moved + 12 + noise, 0, 255).astype(np.uint8)


@pytest.fixture
def planter(tmp_path):
    """Makes a `Planter` for one set."""
    return lambda name: Planter(tmp_path / name)


@pytest.fixture(scope="session")
def pictures():
    """Eight different pictures."""
    return [phantom(seed) for seed in range(8)]


@pytest.fixture(scope="session")
def alter():
    """The function that makes a near-duplicate."""
    return changed
