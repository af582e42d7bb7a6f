"""How alike two images are once they lie on each other: a measure that shares nothing with the perceptual hash.

The hash sees the lowest frequencies of the whole picture. Here each pixel is compared with its neighbourhood, so that
the brightness that all ultrasound images share (bright above, dark below) counts for nothing, and speckle and fibres
decide.
"""

import cv2
import numpy as np

# Side in pixels at which images are compared; their proportions are dropped.
SIDE = 128
# Spread, in pixels at that side, of the neighbourhood that a pixel is compared with.
_NEIGHBOURHOOD = 8.0
# Contrast, in grey levels, below which differences are taken for noise.
_NOISE = 8.0
# Share of the image that must overlap after registration.
_OVERLAP = 0.5
_CRITERIA = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 40, 1e-4)


def local_contrast(image: np.ndarray) -> np.ndarray:
    """Returns (SIDE, SIDE) float32: (pixel - local mean) / (local std + noise) of (H, W) uint8."""
    small = cv2.resize(image, (SIDE, SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)
    small = cv2.GaussianBlur(small, (0, 0), 1.0)
    mean = cv2.GaussianBlur(small, (0, 0), _NEIGHBOURHOOD)
    variance = cv2.GaussianBlur((small - mean) ** 2, (0, 0), _NEIGHBOURHOOD)
    return (small - mean) / (np.sqrt(variance) + np.float32(_NOISE))


def registered_correlation(first: np.ndarray, second: np.ndarray) -> float:
    """Returns the normalised cross-correlation of two images after an affine registration, in [-1, 1].

    The registration maximises the enhanced correlation coefficient (Evangelidis and Psarakis, "Parametric image
    alignment using enhanced correlation coefficient maximization", IEEE TPAMI 30(10), 2008), from no motion and from
    the shift that phase correlation finds; the better result counts.

    Args:
        first, second: local contrast, (SIDE, SIDE) float32, from `local_contrast`.
    """
    window = cv2.createHanningWindow(first.shape[::-1], cv2.CV_32F)
    # OpenCV multiplies the window into arrays of an optimal size in place: hand it copies.
    shift, _ = cv2.phaseCorrelate(first.copy(), second.copy(), window)
    return max(_correlation_from(first, second, start) for start in ((0.0, 0.0), shift))


def _correlation_from(first: np.ndarray, second: np.ndarray, shift: tuple[float, float]) -> float:
    motion = np.array([[1, 0, shift[0]], [0, 1, shift[1]]], np.float32)
    try:
        _, motion = cv2.findTransformECC(first, second, motion, cv2.MOTION_AFFINE, _CRITERIA, None, 5)
    except cv2.error:
        return -1.0  # it diverged: there is nothing in common
    size = first.shape[::-1]
    inverse = cv2.WARP_INVERSE_MAP
    moved = cv2.warpAffine(second, motion, size, flags=cv2.INTER_LINEAR | inverse)
    inside = cv2.warpAffine(np.ones_like(second), motion, size, flags=cv2.INTER_NEAREST | inverse) > 0
    if inside.mean() < _OVERLAP:
        return -1.0
    x, y = first[inside] - first[inside].mean(), moved[inside] - moved[inside].mean()
    norm = float(np.sqrt((x * x).sum() * (y * y).sum()))
    return float((x * y).sum()) / norm if norm > 1e-3 else -1.0
