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
from ultraref.datasets.likeness.registration import SIDE, correlation_at
from ultraref.datasets.likeness.view import View, mirror

# Images of a size from which on it can be told what hardly varies.
MIN_IMAGES = 20
# No more are looked at: the tenth percentile of 200 is as good as that of thousands.
_MOST = 200
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
# Correlation of the screens' grey levels from which on another size shows the same one; before the exact registration, of the
# likeliest two ways of mirroring, less will do.
_SAME_SCREEN, _MAYBE_SAME_SCREEN = 0.85, 0.6
_TRIES = 2
# Sides of the filter of the exact registration, from rough to fine.
_FILTER_SIDES = (7, 3, 1)
# Spread in pixels at SIDE by which both are blurred before one is laid upon the other, and from which zooms: a cropped
# screenshot shows the screen larger.
_BLUR = 2.0
_ZOOMS = (1.0, 1.1)
_CRITERIA = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 50, 1e-4)


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
        if (frame := _find_frame(_sample(pictures, list(chosen[kind].values())), count)) is not None
    }
    return Furniture(frames, len(pictures))


def _sample(pictures: Sequence[np.ndarray], chosen: list[int]) -> np.ndarray:
    places = np.unique(np.linspace(0, len(chosen) - 1, _MOST).astype(int))
    return np.stack([pictures[chosen[place]] for place in places])


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
    """Returns a picture moved so that its screen lies on the frame's, and which pixels it then has; None where it has none.

    Grey levels are registered, and not local contrast: a screen's panels are as bright as they are. The tissue, which has no
    counterpart, is left out of the verdict and of the second, exact registration.
    """
    for flip in FLIPS:
        if frame.fits(mirror(picture, flip)):
            return mirror(picture, flip), np.ones((SIDE, SIDE), bool)
    found = sorted(((*_coarse_motion(frame, mirror(picture, flip)), flip) for flip in FLIPS), key=lambda each: -each[0])
    likely = [
        (motion, mirror(picture, flip)) for correlation, motion, flip in found if correlation >= _MAYBE_SAME_SCREEN
    ]
    exact = [(*_exact_motion(frame, turned, motion), turned) for motion, turned in likely[:_TRIES]]
    correlation, motion, turned = max(exact, key=lambda each: each[0], default=(-1.0, None, None))
    if correlation < _SAME_SCREEN:
        return None
    flags, size = cv2.WARP_INVERSE_MAP, (SIDE, SIDE)
    moved = cv2.warpAffine(turned, motion, size, flags=cv2.INTER_LINEAR | flags)
    inside = cv2.warpAffine(np.ones_like(turned), motion, size, flags=cv2.INTER_NEAREST | flags)
    return moved, inside > 0


def _exact_motion(frame: Frame, picture: np.ndarray, motion: np.ndarray) -> tuple[float, np.ndarray]:
    """Returns how well a picture's screen correlates with the frame's, and the motion, from one that is nearly right."""
    still, moving = (cv2.GaussianBlur(each.astype(np.float32), (0, 0), 0.7) for each in (frame.median, picture))
    for filter_side in _FILTER_SIDES:
        # Where the screen is in the picture, by what is known so far.
        screen = cv2.warpAffine(frame.constant.astype(np.uint8), motion, (SIDE, SIDE), flags=cv2.INTER_NEAREST)
        try:
            _, motion = cv2.findTransformECC(still, moving, motion, cv2.MOTION_AFFINE, _CRITERIA, screen, filter_side)
        except cv2.error:
            return -1.0, motion
    return correlation_at(still, moving, motion, frame.constant), motion


def _coarse_motion(frame: Frame, picture: np.ndarray) -> tuple[float, np.ndarray | None]:
    """Returns how well a picture's screen correlates with the frame's at best, at half the size, and the motion at SIDE."""
    still, moving, half = _small(frame.median), _small(picture.astype(np.float32)), (SIDE // 2, SIDE // 2)
    constant = cv2.resize(frame.constant.astype(np.uint8), half, interpolation=cv2.INTER_NEAREST).astype(bool)
    best = (-1.0, None)
    for zoom in _ZOOMS:
        margin = (half[0] - 1) / 2 * (1 - zoom)
        motion = np.array([[zoom, 0, margin], [0, zoom, margin]], np.float32)
        try:
            _, motion = cv2.findTransformECC(still, moving, motion, cv2.MOTION_AFFINE, _CRITERIA, None, 5)
        except cv2.error:
            continue  # it diverged from here
        correlation = correlation_at(still, moving, motion, constant)
        if correlation > best[0]:
            # Between frames of one side and of twice that: x becomes 2 x + 0.5.
            motion[:, 2] = 2 * motion[:, 2] + 0.5 * (1 - motion[:, :2].sum(1))
            best = (correlation, motion)
    return best


def _small(picture: np.ndarray) -> np.ndarray:
    """Half the size, blurred: enough to lay one screen upon another, at a quarter of the time."""
    return cv2.resize(cv2.GaussianBlur(picture, (0, 0), _BLUR), (SIDE // 2, SIDE // 2), interpolation=cv2.INTER_AREA)
