"""How alike two images are once they lie on each other: a measure that shares nothing with the perceptual hash.

The hash sees the lowest frequencies of the whole picture. Here each pixel is compared with its neighbourhood, so that
the brightness that all ultrasound images share (bright above, dark below) counts for nothing, and speckle and fibres
decide.
"""

from dataclasses import dataclass

import cv2
import numpy as np

# Side in pixels at which images are compared; their proportions are dropped.
SIDE = 128


@dataclass(frozen=True)
class Scale:
    """What local contrast is sensitive to.

    Attributes:
        blur: spread, in pixels at SIDE, of what is taken for noise.
        neighbourhood: spread, in pixels at SIDE, of the neighbourhood that a pixel is compared with.
        noise: contrast, in grey levels, below which differences are taken for noise.
    """

    blur: float
    neighbourhood: float
    noise: float


# Layers and lesions, by which images are registered.
STRUCTURE = Scale(blur=1.0, neighbourhood=8.0, noise=8.0)
# Speckle and fibres, which two pictures have in common only if they show the same.
DETAIL = Scale(blur=0.7, neighbourhood=2.5, noise=4.0)
# Share of the image, or of the smaller of two valid parts, that must overlap after registration.
_OVERLAP = 0.5
_CRITERIA = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 40, 1e-4)


@dataclass(frozen=True)
class Registration:
    """The outcome of `register`.

    Attributes:
        correlation: normalised cross-correlation where the two overlap, in [-1, 1]; -1 where they have nothing in common.
        motion: (2, 3) float32, from pixels of the first to pixels of the second; None where they have nothing in common.
    """

    correlation: float
    motion: np.ndarray | None


_NOTHING = Registration(-1.0, None)


def local_contrast(image: np.ndarray, valid: np.ndarray | None = None, scale: Scale = STRUCTURE) -> np.ndarray:
    """Returns (SIDE, SIDE) float32: (pixel - local mean) / (local std + noise) of (H, W) uint8.

    Args:
        image: the image.
        valid: (SIDE, SIDE) bool, pixels that count: others are no one's neighbours, and become 0. None for all.
        scale: which contrast.
    """
    small = cv2.resize(image, (SIDE, SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)
    if valid is None:
        weight, blurred = np.float32(1), _blur
    else:
        weight = valid.astype(np.float32)

        def blurred(values: np.ndarray, spread: float) -> np.ndarray:
            return _blur(values * weight, spread) / np.maximum(_blur(weight, spread), np.float32(1e-3))

    small = blurred(small, scale.blur)
    mean = blurred(small, scale.neighbourhood)
    variance = blurred((small - mean) ** 2, scale.neighbourhood)
    return weight * (small - mean) / (np.sqrt(variance) + np.float32(scale.noise))


def _blur(values: np.ndarray, spread: float) -> np.ndarray:
    return cv2.GaussianBlur(values, (0, 0), spread)


def registered_correlation(first: np.ndarray, second: np.ndarray) -> float:
    """Returns the normalised cross-correlation of two images after an affine registration, in [-1, 1]; see `register`."""
    return register(first, second).correlation


def register(
    first: np.ndarray,
    second: np.ndarray,
    first_valid: np.ndarray | None = None,
    second_valid: np.ndarray | None = None,
) -> Registration:
    """Finds the affine motion that lays the second image on the first.

    It maximises the enhanced correlation coefficient (Evangelidis and Psarakis, "Parametric image alignment using
    enhanced correlation coefficient maximization", IEEE TPAMI 30(10), 2008), from no motion and from the shift that
    phase correlation finds; the better result counts.

    Args:
        first, second: local contrast, (SIDE, SIDE) float32, from `local_contrast`.
        first_valid, second_valid: (SIDE, SIDE) bool, pixels that count; None for all.
    """
    window = cv2.createHanningWindow(first.shape[::-1], cv2.CV_32F)
    # OpenCV multiplies the window into arrays of an optimal size in place: hand it copies.
    shift, _ = cv2.phaseCorrelate(first.copy(), second.copy(), window)
    found = (_register_from(first, second, first_valid, second_valid, start) for start in ((0.0, 0.0), shift))
    return max(found, key=lambda registration: registration.correlation)


def _register_from(first, second, first_valid, second_valid, shift: tuple[float, float]) -> Registration:
    motion = np.array([[1, 0, shift[0]], [0, 1, shift[1]]], np.float32)
    mask = None if second_valid is None else second_valid.astype(np.uint8)
    try:
        _, motion = cv2.findTransformECC(first, second, motion, cv2.MOTION_AFFINE, _CRITERIA, mask, 5)
    except cv2.error:
        return _NOTHING  # it diverged: there is nothing in common
    return Registration(correlation_at(first, second, motion, first_valid, second_valid), motion)


def correlation_at(
    first: np.ndarray,
    second: np.ndarray,
    motion: np.ndarray,
    first_valid: np.ndarray | None = None,
    second_valid: np.ndarray | None = None,
) -> float:
    """Returns the correlation of two images where they overlap under a motion; -1 where too little does. See `register`."""
    size = first.shape[::-1]
    inverse = cv2.WARP_INVERSE_MAP
    moved = cv2.warpAffine(second, motion, size, flags=cv2.INTER_LINEAR | inverse)
    second_part = np.ones_like(second) if second_valid is None else second_valid.astype(np.float32)
    inside = cv2.warpAffine(second_part, motion, size, flags=cv2.INTER_NEAREST | inverse) > 0
    smaller = 1.0 if second_valid is None else float(second_valid.mean())
    if first_valid is not None:
        inside &= first_valid
        smaller = min(smaller, float(first_valid.mean()))
    if inside.mean() < _OVERLAP * smaller:
        return -1.0
    x, y = first[inside] - first[inside].mean(), moved[inside] - moved[inside].mean()
    norm = float(np.sqrt((x * x).sum() * (y * y).sum()))
    return float((x * y).sum()) / norm if norm > 1e-3 else -1.0
