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
# Correlation of the screens' grey levels from which on another size shows the same one.
_SAME_SCREEN = 0.93
# What may be cut off at each side, as a share of the frame.
_CUTS = (0.0, 0.025, 0.05, 0.075, 0.1)
# Spread in pixels at SIDE by which both are blurred, steps of the exact registration, pixels of the screen that are looked at.
_BLUR, _STEPS, _PIXELS = 1.0, 12, 1000


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
    """Returns a picture moved so that its screen lies on the frame's, and which pixels it then has; None where it has none."""
    for flip in FLIPS:
        if frame.fits(mirror(picture, flip)):
            return mirror(picture, flip), np.ones((SIDE, SIDE), bool)
    likely = ((*_register_screen(frame, mirror(picture, flip)), flip) for flip in FLIPS)
    correlation, motion, flip = max(likely, key=lambda each: each[0])
    if correlation < _SAME_SCREEN:
        return None
    turned, flags, size = mirror(picture, flip), cv2.WARP_INVERSE_MAP, (SIDE, SIDE)
    moved = cv2.warpAffine(turned, motion, size, flags=cv2.INTER_LINEAR | flags)
    inside = cv2.warpAffine(np.ones_like(turned), motion, size, flags=cv2.INTER_NEAREST | flags)
    return moved, inside > 0


def _register_screen(frame: Frame, picture: np.ndarray) -> tuple[float, np.ndarray]:
    """Returns how well a picture's screen correlates with the frame's at best, and the (2, 3) motion from frame to picture.

    The picture may be cut off at each side: all ways on a grid are tried, and the best is made exact by Gauss-Newton steps on the
    squared difference of the screen's pixels (Lucas and Kanade, "An iterative image registration technique", IJCAI 1981).
    OpenCV's registration takes no mask of the image that is held still, and the tissue, which has no counterpart, misleads it.
    """
    rows, columns = np.nonzero(frame.constant)
    every = len(rows) // _PIXELS + 1
    rows, columns = rows[::every], columns[::every]
    still, moving = (cv2.GaussianBlur(each.astype(np.float32), (0, 0), _BLUR) for each in (frame.median, picture))
    values = still[rows, columns]
    # Scale and shift of x for each cut at the left and right, and of y for each at the top and bottom.
    cuts = np.array([(low, high) for low in _CUTS for high in _CUTS])
    scales = 1 / (1 - cuts.sum(1))
    shifts = (0.5 - cuts[:, 0] * SIDE) * scales - 0.5
    x, y = (np.rint(scales[:, None] * places + shifts[:, None]).astype(int) for places in (columns, rows))
    inside_x, inside_y = (x >= 0) & (x < SIDE), (y >= 0) & (y < SIDE)
    best = (-1.0, None)
    for over, (own_y, there) in enumerate(zip(y.clip(0, SIDE - 1), inside_y)):
        weight = (there & inside_x).astype(np.float32)
        found = _weighted_correlation(values, moving[own_y, x.clip(0, SIDE - 1)], weight)
        across = int(found.argmax())
        if found[across] > best[0]:
            best = float(found[across]), np.array([scales[across], shifts[across], scales[over], shifts[over]])
    motion = None if best[1] is None else _descend(values, moving, rows, columns, best[1])
    if motion is None:
        return -1.0, np.eye(2, 3, dtype=np.float32)
    motion = np.array([[motion[0], 0, motion[1]], [0, motion[2], motion[3]]], np.float32)
    return correlation_at(still, moving, motion, frame.constant), motion


def _weighted_correlation(values: np.ndarray, others: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Correlation of (P,) values with each row of (N, P) others, of the pixels whose (N, P) weight is 1; -1 for less than half."""
    count = np.maximum(weight.sum(1), 1)
    x, y = values * weight, others * weight
    mean_x, mean_y = x.sum(1) / count, y.sum(1) / count
    covariance = (x * others).sum(1) / count - mean_x * mean_y
    variances = ((x * values).sum(1) / count - mean_x**2) * ((y * others).sum(1) / count - mean_y**2)
    correlation = covariance / np.sqrt(np.maximum(variances, 1e-6))
    return np.where(count >= len(values) / 2, correlation, -1.0)


def _descend(values: np.ndarray, moving: np.ndarray, rows, columns, motion: np.ndarray) -> np.ndarray | None:
    """Returns the motion (scale and shift of x and of y) after some steps; None where it leaves the picture or has no direction."""
    slopes = [cv2.Sobel(moving, cv2.CV_32F, *order, scale=1 / 8) for order in ((1, 0), (0, 1))]
    for _ in range(_STEPS):
        x = (motion[0] * columns + motion[1]).astype(np.float32)
        y = (motion[2] * rows + motion[3]).astype(np.float32)
        inside = (x >= 0) & (y >= 0) & (x <= SIDE - 1) & (y <= SIDE - 1)
        if inside.sum() < len(inside) / 2:
            return None
        shown, by_x, by_y = (
            cv2.remap(each, x[inside], y[inside], cv2.INTER_LINEAR).ravel().astype(np.float64)
            for each in (moving, *slopes)
        )
        level = values[inside]
        unknown = np.stack([by_x * columns[inside], by_x, by_y * rows[inside], by_y, -level, -np.ones_like(level)])
        try:
            change = np.linalg.solve(unknown @ unknown.T, -(unknown @ shown))
        except np.linalg.LinAlgError:
            return None
        motion = motion + change[:4]
    return motion
