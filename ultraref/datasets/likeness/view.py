"""The part of an image that is compared with others, without the scanner's screen around it."""

from dataclasses import dataclass

import cv2
import numpy as np

from ultraref.datasets.likeness.perceptual_hash import FLIPS, perceptual_hashes
from ultraref.datasets.likeness.registration import DETAIL, SIDE, correlation_at, local_contrast, register


@dataclass(frozen=True)
class View:
    """What of an image is compared.

    Attributes:
        hashes: (4, 256) bool perceptual hashes of it mirrored in the ways of FLIPS.
        picture: (SIDE, SIDE) uint8; its proportions are dropped.
        valid: (SIDE, SIDE) bool, pixels that count; None for all.
    """

    hashes: np.ndarray
    picture: np.ndarray
    valid: np.ndarray | None = None

    @classmethod
    def of(cls, image: np.ndarray) -> "View":
        """The whole of (H, W) uint8."""
        return cls(perceptual_hashes(image), thumbnail(image))


def thumbnail(image: np.ndarray) -> np.ndarray:
    """Returns (SIDE, SIDE) uint8 of (H, W) uint8, by the mean over each new pixel's area."""
    return cv2.resize(image, (SIDE, SIDE), interpolation=cv2.INTER_AREA)


@dataclass(frozen=True)
class Comparison:
    """How alike two views are after registration, each in [-1, 1]; -1 where they have nothing in common.

    Attributes:
        correlation: of their layers and lesions (`registration.STRUCTURE`), by which they were registered.
        detail: of their speckle and fibres (`registration.DETAIL`) in the same place.
    """

    correlation: float
    detail: float


def compare(first: View, second: View, flip: str = "") -> Comparison:
    """Registers two views and compares them.

    Args:
        first, second: the views.
        flip: how the second is mirrored before, one of FLIPS.
    """
    picture = mirror(second.picture, flip)
    valid = None if second.valid is None else mirror(second.valid, flip)
    contrasts = local_contrast(first.picture, first.valid), local_contrast(picture, valid)
    found = register(*contrasts, first.valid, valid)
    if found.motion is None:
        return Comparison(-1.0, -1.0)
    details = local_contrast(first.picture, first.valid, DETAIL), local_contrast(picture, valid, DETAIL)
    return Comparison(found.correlation, correlation_at(*details, found.motion, first.valid, valid))


def mirror(array: np.ndarray, flip: str) -> np.ndarray:
    """Returns a contiguous copy that is mirrored in one of the ways of FLIPS."""
    return np.ascontiguousarray(np.flip(array, FLIPS[flip]))
