"""Pictures that show the same and that don't."""

import cv2
import numpy as np
import pytest

from ultraref.testing.phantom import make_phantom


def phantom(seed) -> np.ndarray:
    """A picture, (200, 240) uint8; each seed has its own."""
    return cv2.resize(make_phantom(np.random.default_rng(seed)).image, (240, 200), interpolation=cv2.INTER_AREA)


def changed(image, rng_seed=0) -> np.ndarray:
    """The same picture brighter, noisier, turned by 3 degrees and shifted."""
    motion = cv2.getRotationMatrix2D((120, 100), 3, 1.03) + [[0, 0, 3], [0, 0, -2]]
    moved = cv2.warpAffine(image, motion, (240, 200), borderMode=cv2.BORDER_REFLECT)
    noise = np.random.default_rng(rng_seed).normal(0, 4, image.shape)
    return np.clip(0.9 * moved + 12 + noise, 0, 255).astype(np.uint8)


@pytest.fixture(scope="session")
def pictures():
    """Eight different pictures."""
    return [phantom(seed) for seed in range(8)]


@pytest.fixture(scope="session")
def alter():
    """The function that makes a near-duplicate."""
    return changed
