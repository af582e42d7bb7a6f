"""The scanner's screen around and upon the tissue: borders, logos, scales, rulers and text that all images of a set share.

Two unrelated screenshots of one scanner have most of their pixels in common, so a hash of the whole calls them duplicates.
Furniture is what hardly varies over the images of one size. Views leave it out: they are cropped to the rest, and what is
left of it inside counts for nothing. Where no size has furniture, as in a set of cropped images, all stays as it is.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from ultraref.datasets.likeness.perceptual_hash import FLIPS, perceptual_hashes
from ultraref.datasets.likeness.registration import SIDE, local_contrast, register
from ultraref.datasets.likeness.view import View, mirror

# Images of a size from which on it can be told what hardly varies.
MIN_IMAGES = 20
# A pixel hardly varies where four fifths of the images lie within so many grey levels. Of the sizes of BUSI that have
# 20 to 33 images, whose screens were cut off, no pixel does, not even within 10.
LEVELS = 8
_PERCENTILES = (10, 50, 90)
# Less of the image than this is no furniture, but a corner that is dark by chance; more than this is one picture many times.
_SMALLEST, _LARGEST = 0.02, 0.95
# Text that changes from image to image is a few pixels high at SIDE: what varies must be larger.
_TEXT = 7
# Spread in grey levels of what is left of an image's furniture after the frame, scaled to its brightness, is subtracted.
_MISFIT = 8.0
# An image of another size is laid upon a frame only where most of the set has that frame, by this share.
_DOMINANT = 0.6
# Correlation with the frame from which on another size shows the same screen.
_SAME_SCREEN = 0.7


@dataclass(frozen=True)
class Frame:
    """The furniture of images of one kind.

    Attributes:
        median: (SIDE, SIDE) float32, the middle value of each pixel.
        constant: (SIDE, SIDE) bool, the furniture.
        valid: (SIDE, SIDE) bool, the tissue.
        box: (top, left, bottom, right) around the tissue.
        count: images that it was found in.
    """

    median: np.ndarray
    constant: np.ndarray
    valid: np.ndarray
    box: tuple[int, int, int, int]
    count: int

    @property
    def share(self) -> float:
        """Share of the image that is no tissue."""
        return 1 - float(self.valid.mean())

    def fits(self, picture: np.ndarray) -> bool:
        """Whether a (SIDE, SIDE) uint8 picture has this furniture in this place, whatever its brightness and contrast."""
        return bool(_misfit(picture[self.constant], self.median[self.constant]) <= _MISFIT)

    def view(self, picture: np.ndarray, shown: np.ndarray | None = None) -> View:
        """Returns the tissue of a (SIDE, SIDE) uint8 picture that fits.

        Args:
            picture: the picture.
            shown: (SIDE, SIDE) bool, pixels of it that there are; None for all.
        """
        top, left, bottom, right = self.box
        valid = self.valid if shown is None else self.valid & shown
        part = cv2.resize(picture[top:bottom, left:right], (SIDE, SIDE), interpolation=cv2.INTER_LINEAR)
        valid = cv2.resize(
            valid[top:bottom, left:right].astype(np.uint8), (SIDE, SIDE), interpolation=cv2.INTER_NEAREST
        )
        valid = valid.astype(bool)
        # Without its mean the rest is 0 in the hash's DCT, whatever the shape of the furniture.
        part = np.where(valid, part, np.uint8(round(float(part[valid].mean())))) if valid.any() else part
        return View(perceptual_hashes(part), part, valid)


@dataclass(frozen=True)
class Furniture:
    """The furniture of a set.

    Attributes:
        frames: by kind of image, where there is any.
        total: images of the set.
    """

    frames: dict[Hashable, Frame]
    total: int

    def view(self, picture: np.ndarray, hashes: np.ndarray, kind: Hashable) -> View:
        """Returns what of an image is compared.

        Args:
            picture: its `thumbnail`.
            hashes: (4, 256) bool `perceptual_hashes` of the whole image, which stay where there is no furniture.
            kind: as in `find_furniture`.
        """
        own = self.frames.get(kind)
        if own is not None and own.fits(picture):
            return own.view(picture)
        for frame in self._dominant():
            moved = _lay_upon(frame, picture)
            if moved is not None:
                return frame.view(*moved)
        return View(hashes, picture)

    def _dominant(self) -> list[Frame]:
        """The largest frame, where most of the set has one: a cropped screenshot shows it, shifted and scaled."""
        framed = sum(frame.count for frame in self.frames.values())
        return sorted(self.frames.values(), key=lambda f: -f.count)[:1] if framed >= _DOMINANT * self.total else []


def find_furniture(
    pictures: Sequence[np.ndarray], kinds: Sequence[Hashable], units: Sequence[str | None] | None = None
) -> Furniture:
    """Finds what hardly varies over the images of each kind.

    Args:
        pictures: the `thumbnail` of each image.
        kinds: the kind of each: its size in pixels, and the scanner where it is known.
        units: patient or video of each image, None where not known. One image of each counts, as a still loop is no frame.
    """
    chosen: dict[Hashable, dict[Hashable, int]] = {}
    for index, kind in enumerate(kinds):
        unit = None if units is None else units[index]
        chosen.setdefault(kind, {}).setdefault(index if unit is None else unit, index)
    counts = {kind: sum(each == kind for each in kinds) for kind in chosen if len(chosen[kind]) >= MIN_IMAGES}
    frames = {
        kind: frame
        for kind, count in counts.items()
        if (frame := _find_frame(np.stack([pictures[index] for index in chosen[kind].values()]), count)) is not None
    }
    return Furniture(frames, len(pictures))


def _find_frame(pictures: np.ndarray, count: int) -> Frame | None:
    low, median, high = np.percentile(pictures, _PERCENTILES, axis=0)
    constant = high - low <= LEVELS
    if not _SMALLEST <= constant.mean() <= _LARGEST:
        return None
    ellipse = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (_TEXT, _TEXT))
    varying = cv2.morphologyEx((~constant).astype(np.uint8), cv2.MORPH_OPEN, ellipse, borderValue=0)
    number, labels, stats, _ = cv2.connectedComponentsWithStats(varying, connectivity=8)
    areas = stats[1:, cv2.CC_STAT_AREA]
    if number < 2 or areas.max() < (1 - _LARGEST) * constant.size:
        return None
    # Two images side by side are both tissue; a panel of numbers is not.
    valid = np.isin(labels, 1 + np.flatnonzero(areas >= areas.max() / 3))
    rows, columns = np.flatnonzero(valid.any(1)), np.flatnonzero(valid.any(0))
    box = int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1
    return Frame(median.astype(np.float32), constant, valid, box, count)


def _misfit(values: np.ndarray, frame: np.ndarray) -> float:
    """Spread of the values around the line through the frame's that fits best, of a slope between a half and two."""
    x, y = frame - frame.mean(), values.astype(np.float32) - values.mean()
    squares = float((x * x).sum())
    slope = np.clip(float((x * y).sum()) / squares, 0.5, 2.0) if squares > 0 else 1.0
    return float(np.sqrt(((y - slope * x) ** 2).mean()))


def _lay_upon(frame: Frame, picture: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Returns a picture moved so that its screen lies on the frame's, and which pixels it then has; None where it has none."""
    screen = cv2.dilate(frame.constant.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)
    contrast = local_contrast(np.round(frame.median).astype(np.uint8)) * screen
    for flip in FLIPS:
        turned = mirror(picture, flip)
        # The picture is what is held still, so that its tissue, which has no counterpart, is not what the other is laid upon.
        found = register(contrast, local_contrast(turned), screen)
        if found.correlation >= _SAME_SCREEN:
            flags = cv2.WARP_INVERSE_MAP
            moved = cv2.warpAffine(turned, found.motion, (SIDE, SIDE), flags=cv2.INTER_LINEAR | flags)
            inside = cv2.warpAffine(np.ones_like(turned), found.motion, (SIDE, SIDE), flags=cv2.INTER_NEAREST | flags)
            return moved, inside > 0
    return None
