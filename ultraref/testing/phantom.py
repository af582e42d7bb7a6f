"""Made-up breast-ultrasound images with known lesion masks.

The image model is the usual one for fully developed speckle (Wagner et al., "Statistics of speckle in ultrasound B-scans",
IEEE Trans. Sonics Ultrason. 30(3), 1983): the echo amplitude is the tissue's mean amplitude times the magnitude of a
complex Gaussian field that the point-spread function has correlated, which is Rayleigh distributed, and the display is its
logarithm. Tissue is drawn in decibels, so that layers, lesions, shadows and attenuation add up.
"""

from dataclasses import dataclass

import cv2
import numpy as np

OUTLINES = ("smooth", "lobulated", "spiculated")
# Decibels between black and white on the display.
DYNAMIC_RANGE = 55.0


@dataclass(frozen=True)
class Phantom:
    """One made-up image.

    Attributes:
        image: (H, W) uint8, log-compressed B-mode image; the transducer is at the top.
        masks: one (H, W) uint8 mask in {0, 1} per lesion; none for a normal image.
        category: "benign", "malignant" or "normal".
        outline: one of OUTLINES, or None for a normal image.
    """

    image: np.ndarray
    masks: list[np.ndarray]
    category: str
    outline: str | None


def make_phantom(rng: np.random.Generator, category: str = "benign", num_lesions: int = 1) -> Phantom:
    """Draws one image.

    Lesions are darker than the tissue around them, with a soft edge and, in some, a side that is as bright as the tissue, so
    that a part of the outline must be guessed. Dark spots, dark fat lobules and shadows that are no lesions are about.

    Args:
        rng: where all randomness comes from.
        category: "benign" (smooth or lobulated, wider than tall, often with enhancement behind), "malignant" (spiculated or
            lobulated, often with a shadow behind) or "normal" (no lesion).
        num_lesions: lesions in the image; ignored for a normal one.

    Raises:
        ValueError: the category is not known, or there is less than one lesion in an image that is not normal.
    """
    if category not in ("benign", "malignant", "normal"):
        raise ValueError(f"phantom category {category!r} is not known; it is benign, malignant or normal")
    if category != "normal" and num_lesions < 1:
        raise ValueError(f"a {category} phantom has at least one lesion, but num_lesions is {num_lesions}")
    height, width = int(rng.integers(240, 341)), int(rng.integers(280, 421))
    tissue = _tissue(rng, height, width)
    _add_distractors(rng, tissue)
    masks, outline = [], None
    if category != "normal":
        outline = str(rng.choice(OUTLINES[:2] if category == "benign" else OUTLINES[1:]))
        for _ in range(num_lesions):
            mask = _draw_lesion(rng, tissue, category, outline, masks, small=num_lesions > 1)
            masks.append(mask)
    _attenuate(rng, tissue)
    return Phantom(_display(tissue + _speckle(rng, height, width)), masks, category, outline)


def smooth_field(rng: np.random.Generator, height: int, width: int, scale_y: float, scale_x: float) -> np.ndarray:
    """Returns a (height, width) float32 random field of mean about 0 and std about 1, smooth over the scales (in pixels)."""
    grid = rng.standard_normal((int(height / scale_y) + 4, int(width / scale_x) + 4), dtype=np.float32)
    # Bicubic interpolation of white noise keeps about three quarters of its std at random places in each direction.
    return cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC) / 0.8


def _smooth_line(rng: np.random.Generator, length: int, scale: float) -> np.ndarray:
    """Returns a smooth random line, (length,) float32, of std about 1."""
    return smooth_field(rng, 1, length, 1.0, scale)[0]


def _tissue(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Returns the mean echo level in dB, (height, width) float32: skin, fat, glandular tissue, muscle, each with texture."""
    rows = np.arange(height, dtype=np.float32)[:, None]
    skin = height * rng.uniform(0.03, 0.06) + height * 0.008 * _smooth_line(rng, width, width / 3)
    fat = height * rng.uniform(0.14, 0.30) + height * 0.05 * _smooth_line(rng, width, width / 3)
    muscle = height * rng.uniform(0.66, 0.92) + height * 0.05 * _smooth_line(rng, width, width / 2)
    levels = {
        "skin": -8.0,
        "fat": rng.uniform(-27, -20),
        "gland": rng.uniform(-20, -13),
        "muscle": rng.uniform(-29, -21),
    }
    texture = smooth_field(rng, height, width, 7, 34)
    patches = smooth_field(rng, height, width, 40, 60)
    fibres = _bands(rng, height, width, spacing=16)
    striae = _bands(rng, height, width, spacing=9)

    def below(line):
        # A transition of a few pixels: layers blend into each other.
        return np.clip((rows - line) / 4 + 0.5, 0, 1)

    tissue = levels["skin"] + 2 * texture
    tissue += below(skin) * (levels["fat"] + 2 * texture + 7 * fibres - tissue)
    tissue += below(fat) * (levels["gland"] + 3 * texture + 3.5 * patches + 5 * fibres - tissue)
    tissue += below(muscle) * (levels["muscle"] + 2 * texture + 11 * striae - tissue)
    # Bright fasciae run along the borders.
    for line, gain in ((skin, 6.0), (fat, 7.0), (muscle, 10.0)):
        strength = np.clip(0.6 + 0.6 * _smooth_line(rng, width, width / 5), 0, 1)
        tissue += gain * strength * np.exp(-(((rows - line) / 2.2) ** 2))
    return tissue


def _bands(rng: np.random.Generator, height: int, width: int, spacing: float) -> np.ndarray:
    """Returns thin wavy bright bands, (height, width) float32 in [0, 1], about `spacing` pixels apart and broken at places."""
    phase = smooth_field(rng, height, width, 60, 90) * 3.0
    rows = np.arange(height, dtype=np.float32)[:, None]
    wave = np.sin(2 * np.pi * rows / spacing + phase + rng.uniform(0, 6.28))
    strength = np.clip(smooth_field(rng, height, width, 14, 45), 0, 1)
    return np.clip(wave - 0.55, 0, 1) / 0.45 * strength


def _add_distractors(rng: np.random.Generator, tissue: np.ndarray) -> None:
    """Draws into `tissue` what looks like a lesion and is none: fat lobules, small cyst-like spots, shadows from above."""
    height, width = tissue.shape
    for _ in range(rng.integers(1, 4)):  # fat lobules: large, faint, with a bright rim at the top
        size = rng.uniform(0.06, 0.13) * width
        weight, distance = _soft_shape(
            rng, tissue.shape, size, aspect=rng.uniform(0.3, 0.6), outline="smooth", softness=4
        )
        if weight is not None:
            tissue -= rng.uniform(2, 7) * weight
            tissue += rng.uniform(1, 5) * np.exp(-((distance / 2.5) ** 2))
    for _ in range(rng.integers(0, 4)):  # vessels and tiny cysts: dark, at most a sixth of a usual lesion's area
        weight, _ = _soft_shape(
            rng, tissue.shape, rng.uniform(3, 8), aspect=rng.uniform(0.5, 1), outline="smooth", softness=1.5
        )
        if weight is not None:
            tissue -= rng.uniform(8, 18) * weight
    columns = np.arange(width, dtype=np.float32)
    for _ in range(rng.integers(0, 3)):  # poor contact or dense tissue above: a dark stripe that widens with depth
        top, centre = rng.uniform(0, 0.5) * height, rng.uniform(0, 1) * width
        half = rng.uniform(0.02, 0.09) * width
        tissue -= rng.uniform(4, 13) * _stripe(tissue.shape, columns, top, centre, half, spread=0.1)


def _stripe(shape, columns: np.ndarray, top: float, centre: float, half: float, spread: float) -> np.ndarray:
    """Returns a soft vertical stripe, (H, W) float32 in [0, 1], that begins at row `top` and widens downward."""
    rows = np.arange(shape[0], dtype=np.float32)[:, None]
    reach = half + spread * np.maximum(rows - top, 0)
    return np.exp(-((np.abs(columns - centre) / reach) ** 3)) / (1 + np.exp(-np.clip((rows - top) / 5, -30, 30)))


def _outline(rng: np.random.Generator, outline: str) -> np.ndarray:
    """Returns the radius of an outline in 180 directions, float32 of mean about 1."""
    angle = np.arange(180) * (2 * np.pi / 180)
    radius = np.ones(180)
    for order, size in {
        "smooth": ((2, 0.06), (3, 0.05)),
        "lobulated": ((2, 0.08), (3, 0.12), (4, 0.10), (5, 0.06)),
    }.get(outline, ((2, 0.10), (3, 0.10), (5, 0.06), (8, 0.04))):
        radius += size * rng.normal() * np.cos(order * angle + rng.uniform(0, 6.28))
    if outline == "spiculated":
        for _ in range(rng.integers(7, 14)):
            offset = np.angle(np.exp(1j * (angle - rng.uniform(0, 6.28))))
            radius += rng.uniform(0.15, 0.55) * np.exp(-np.abs(offset) / rng.uniform(0.05, 0.12))
    return np.maximum(radius, 0.35)


def _soft_shape(rng, shape, size, aspect, outline, softness, centre=None):
    """Draws a closed shape.

    Returns:
        weight, (H, W) float32 in [0, 1], which falls from inside to outside over about `softness` pixels, and the signed
        distance to the outline in pixels, positive inside; or (None, None) when the shape lies outside the image.
    """
    height, width = shape
    if centre is None:
        centre = (rng.uniform(0, width), rng.uniform(0.12, 0.95) * height)
    angle = np.arange(180) * (2 * np.pi / 180)
    radius, tilt = size * _outline(rng, outline), rng.normal(0, 0.25)
    x, y = radius * np.cos(angle), radius * np.sin(angle) * aspect
    points = np.stack(
        [centre[0] + x * np.cos(tilt) - y * np.sin(tilt), centre[1] + x * np.sin(tilt) + y * np.cos(tilt)], 1
    )
    binary = np.zeros(shape, np.uint8)
    # Sixteenths of a pixel: OpenCV draws in fixed-point coordinates.
    cv2.fillPoly(binary, [np.round(points * 16).astype(np.int32)], 1, shift=4)
    if not binary.any():
        return None, None
    distance = cv2.distanceTransform(binary, cv2.DIST_L2, 3) - cv2.distanceTransform(1 - binary, cv2.DIST_L2, 3)
    return 1 / (1 + np.exp(-np.clip(2 * distance / softness, -30, 30))), distance


def _draw_lesion(rng, tissue, category, outline, others, small) -> np.ndarray:
    """Draws a lesion and what lies behind it into `tissue` and returns its mask, (H, W) uint8 in {0, 1}."""
    height, width = tissue.shape
    columns = np.arange(width, dtype=np.float32)
    benign = category == "benign"
    while True:
        size = rng.uniform(0.05, 0.09) * width if small else width * np.exp(rng.uniform(np.log(0.055), np.log(0.19)))
        aspect = rng.uniform(0.5, 0.85) if benign else rng.uniform(0.7, 1.15)
        margin = 0.6 * size
        centre = (rng.uniform(margin, width - margin), rng.uniform(0.22, 0.7) * height)
        softness = rng.uniform(2, 6) if benign else rng.uniform(3, 9)
        weight, distance = _soft_shape(rng, tissue.shape, size, aspect, outline, softness, centre)
        if weight is None:
            continue
        mask = (distance > 0).astype(np.uint8)
        # Two lesions of one image stay apart, as each has its own mask file.
        if not any((cv2.dilate(mask, np.ones((9, 9), np.uint8)) & other).any() for other in others):
            break
    contrast = rng.uniform(9, 20) if benign else rng.uniform(8, 17)
    # One side fades to the level of its surroundings in about half of the lesions.
    fade = smooth_field(rng, height, width, size * 1.2, size * 1.2)
    depth = np.clip(1 - rng.choice([0.1, 0.5]) * np.clip(fade, 0, 1.6), 0.1, 1)
    local = cv2.GaussianBlur(tissue, (0, 0), 3 + size / 3)
    inside = local - contrast * depth + rng.uniform(1, 3) * smooth_field(rng, height, width, 6, 8)
    tissue += weight * (inside - tissue)
    if not benign:  # echogenic halo
        tissue += rng.uniform(0, 5) * np.exp(-(((distance + 5) / 5) ** 2))
    columns_hit = np.flatnonzero(mask.any(0))
    rows_hit = np.flatnonzero(mask.any(1))
    bottom, half = rows_hit[-1], 0.42 * (columns_hit[-1] - columns_hit[0] + 1)
    behind = _stripe(tissue.shape, columns, bottom - 0.15 * size, columns_hit.mean(), half, spread=0.02)
    gain = rng.uniform(0, 9) if benign else rng.uniform(-16, 1)
    tissue += gain * behind * (1 - weight)
    return mask


def _attenuate(rng: np.random.Generator, tissue: np.ndarray) -> None:
    """Lowers `tissue` with depth, by what time-gain compensation leaves over, and unevenly along the width."""
    height, width = tissue.shape
    depth = np.linspace(0, 1, height, dtype=np.float32)[:, None]
    tissue -= rng.uniform(0, 16) * depth ** rng.uniform(1, 2.5)
    tissue += rng.uniform(0.5, 2.5) * smooth_field(rng, height, width, height, width / 3)


def _speckle(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Returns 20 log10 of a correlated Rayleigh field of unit mean power, (height, width) float32, in dB."""
    field = rng.standard_normal((height, width, 2), dtype=np.float32)
    # The axial resolution (rows) is finer than the lateral one.
    field = cv2.GaussianBlur(field, (0, 0), sigmaX=rng.uniform(1.2, 2.0), sigmaY=rng.uniform(0.7, 1.1))
    power = np.square(field).sum(2)
    return 10 * np.log10(np.maximum(power / power.mean(), 1e-4))


def _display(level: np.ndarray) -> np.ndarray:
    """Maps dB to grey: the brightest of 0.3 % of the pixels is white, DYNAMIC_RANGE below it black."""
    # Scanners smooth (frame averaging) before display, which softens the darkest speckle.
    level = cv2.GaussianBlur(np.maximum(level, -70), (0, 0), 0.6)
    white = np.percentile(level[::4, ::4], 99.7)
    return np.clip(255 * (1 + (level - white) / DYNAMIC_RANGE), 0, 255).astype(np.uint8)
