"""Made-up breast-ultrasound images with known lesion masks.

The image model is the usual one for fully developed speckle (Wagner et al., "Statistics of speckle in ultrasound
B-scans", IEEE Trans. Sonics Ultrason. 30(3), 1983): the echo amplitude is the tissue's mean amplitude times the
magnitude of a complex Gaussian field that the point-spread function has correlated, which is Rayleigh distributed. The
display is its logarithm. Tissue is drawn in decibels, so that layers, lesions, shadows and attenuation add up.
"""

from dataclasses import dataclass, replace

import cv2
import numpy as np

from ultraref.errors import UserError

OUTLINES = ("smooth", "lobulated", "spiculated")
# Decibels between black and white on the display.
DYNAMIC_RANGE = 46.0
# Scanners average several looks, which takes away a part of the speckle's spread in dB.
SPECKLE_SHARE = 0.6


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
    """Draws one image of 240 to 340 x 280 to 420 pixels (height x width).

    Lesions are darker than the tissue around them. Their edge is soft, and one side of about half of them fades towards
    the level of the surroundings, so that a part of the outline must be guessed. Fat lobules, dark spots and shadows
    that are no lesions are about.

    Args:
        rng: where all randomness comes from.
        category: "benign" (smooth or lobulated, wider than tall, often with enhancement behind), "malignant" (lobulated
            or spiculated, often with a shadow behind) or "normal" (no lesion).
        num_lesions: lesions in the image; ignored for a normal one.

    Raises:
        ValueError: the category is not known, or an image that is not normal has less than one lesion.
    """
    if category not in ("benign", "malignant", "normal"):
        raise UserError(f"phantom category {category!r} is not known; it is benign, malignant or normal")
    if category != "normal" and num_lesions < 1:
        raise UserError(f"a {category} phantom has at least one lesion, but num_lesions is {num_lesions}")
    height, width = int(rng.integers(240, 341)), int(rng.integers(280, 421))
    # The surroundings are smooth, so half the resolution is enough, at a quarter of the time.
    surroundings = _tissue(rng, height // 2, width // 2)
    _add_distractors(rng, surroundings)
    _attenuate(rng, surroundings)
    level = cv2.resize(surroundings, (width, height), interpolation=cv2.INTER_LINEAR)
    masks, outline = [], None
    if category != "normal":
        outline = str(rng.choice(OUTLINES[:2] if category == "benign" else OUTLINES[1:]))
        for _ in range(num_lesions):
            masks.append(_draw_lesion(rng, level, category, outline, masks, small=num_lesions > 1))
    return Phantom(_display(level + SPECKLE_SHARE * _speckle(rng, height, width)), masks, category, outline)


def shrink(phantom: Phantom, max_side: int) -> Phantom:
    """Shrinks image and masks until no side is longer than `max_side` pixels, by the mean over each new pixel's area.

    A mask's pixel belongs to the lesion from half its area on. What fits already comes back as it is.
    """
    height, width = phantom.image.shape
    if max(height, width) <= max_side:
        return phantom
    scale = max_side / max(height, width)
    size = round(width * scale), round(height * scale)
    masks = [
        (cv2.resize(mask.astype(np.float32), size, interpolation=cv2.INTER_AREA) >= 0.5).astype(np.uint8)
        for mask in phantom.masks
    ]
    return replace(phantom, image=cv2.resize(phantom.image, size, interpolation=cv2.INTER_AREA), masks=masks)


def smooth_field(rng: np.random.Generator, height: int, width: int, scale_y: float, scale_x: float) -> np.ndarray:
    """Returns a (height, width) float32 random field of mean 0 and std about 1, smooth over the scales in pixels."""
    grid = rng.standard_normal((int(height / scale_y) + 4, int(width / scale_x) + 4), dtype=np.float32)
    # Interpolating white noise between its grid points averages it; 0.8 is what is left of its std, roughly.
    return cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC) / 0.8


def _smooth_line(rng: np.random.Generator, length: int, scale: float) -> np.ndarray:
    """Returns a smooth random line, (length,) float32, of std about 1."""
    return smooth_field(rng, 1, length, 1.0, scale)[0]


def _tissue(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Returns the mean echo level in dB, (height, width) float32: skin, fat, glandular tissue and muscle."""
    rows = np.arange(height, dtype=np.float32)[:, None]
    skin = height * rng.uniform(0.03, 0.06) + height * 0.008 * _smooth_line(rng, width, width / 3)
    fat = height * rng.uniform(0.12, 0.32) + height * 0.035 * _smooth_line(rng, width, width / 3)
    muscle = height * rng.uniform(0.66, 0.95) + height * 0.03 * _smooth_line(rng, width, width / 2)
    fat_level, gland_level, muscle_level = rng.uniform(-26, -19), rng.uniform(-19, -12), rng.uniform(-28, -20)
    texture = smooth_field(rng, height, width, 3, 15)
    patches = smooth_field(rng, height, width, 18, 34)
    septa = _bands(rng, height, width, spacing=12)
    fibres = _bands(rng, height, width, spacing=7)
    striae = _bands(rng, height, width, spacing=5)

    def below(line):
        # A transition of two to three pixels: layers blend into each other.
        return np.clip((rows - line) / 2.5 + 0.5, 0, 1)

    level = -8 + 2 * texture
    level += below(skin) * (fat_level + 1.5 * texture + 9 * septa - level)
    level += below(fat) * (gland_level + 2.5 * texture + 2.5 * patches + 8 * fibres - level)
    level += below(muscle) * (muscle_level + 2 * texture + 11 * striae - level)
    # Bright fasciae run along the borders.
    for line, gain in ((skin, 6.0), (fat, 8.0), (muscle, 10.0)):
        strength = np.clip(0.5 + 0.7 * _smooth_line(rng, width, width / 6), 0, 1)
        level += gain * strength * np.exp(-(((rows - line) / 1.3) ** 2))
    return level


def _bands(rng: np.random.Generator, height: int, width: int, spacing: float) -> np.ndarray:
    """Returns thin wavy bands, (height, width) float32 in [0, 1], about `spacing` pixels apart, broken at places."""
    rows = np.arange(height, dtype=np.float32)[:, None]
    phase = 4 * smooth_field(rng, height, width, 25, 45) + rng.uniform(0, 2 * np.pi)
    wave = np.sin(2 * np.pi / spacing * rows + phase)
    strength = np.clip(smooth_field(rng, height, width, 7, 26), 0, 1)
    return np.clip(2 * wave - 1, 0, 1) * strength


def _add_distractors(rng: np.random.Generator, level: np.ndarray) -> None:
    """Draws into `level` what looks like a lesion and is none: fat lobules, cyst-like spots, shadows from above."""
    height, width = level.shape
    for _ in range(rng.integers(1, 4)):  # fat lobules: large and faint, with a bright capsule
        shape = _soft_shape(rng, level.shape, rng.uniform(0.06, 0.13) * width, rng.uniform(0.3, 0.6), "smooth", 2)
        if shape is not None:
            weight, distance = shape
            level -= rng.uniform(2, 7) * weight
            level += rng.uniform(1, 5) * np.exp(-((distance / 1.3) ** 2))
    for _ in range(rng.integers(0, 4)):  # vessels and tiny cysts: dark, and smaller than nearly all lesions
        shape = _soft_shape(rng, level.shape, rng.uniform(0.01, 0.022) * width, rng.uniform(0.5, 1), "smooth", 1)
        if shape is not None:
            level -= rng.uniform(8, 18) * shape[0]
    for _ in range(rng.integers(0, 3)):  # poor contact or dense tissue above
        top, centre, half = rng.uniform(0, 0.5) * height, rng.uniform(0, 1) * width, rng.uniform(0.02, 0.08) * width
        level -= rng.uniform(4, 12) * _stripe(level.shape, top, centre, half, spread=0.1)


def _stripe(shape: tuple[int, int], top: float, centre: float, half: float, spread: float) -> np.ndarray:
    """Returns a soft vertical stripe, float32 in [0, 1], that begins at row `top` and widens by `spread` per row."""
    rows = np.arange(shape[0], dtype=np.float32)[:, None]
    columns = np.arange(shape[1], dtype=np.float32)
    offset = np.abs(columns - np.float32(centre)) / (half + spread * np.maximum(rows - top, 0)).astype(np.float32)
    begin = 1 / (1 + np.exp(-np.clip((rows - top) / 4, -30, 30)))
    # A product, as the power of an array costs ten times as much.
    return np.exp(-offset * offset * offset) * begin.astype(np.float32)


def _outline(rng: np.random.Generator, outline: str) -> np.ndarray:
    """Returns the radius of an outline in 180 directions, relative to the lesion's size."""
    harmonics = {  # order: spread of its amplitude
        "smooth": {2: 0.06, 3: 0.05},
        "lobulated": {2: 0.08, 3: 0.12, 4: 0.10, 5: 0.06},
        "spiculated": {2: 0.10, 3: 0.10, 5: 0.06, 8: 0.04},
    }[outline]
    angle = np.linspace(0, 2 * np.pi, 180, endpoint=False)
    radius = np.ones(180)
    for order, spread in harmonics.items():
        radius += spread * rng.normal() * np.cos(order * angle + rng.uniform(0, 2 * np.pi))
    if outline == "spiculated":
        for _ in range(rng.integers(7, 14)):
            offset = np.angle(np.exp(1j * (angle - rng.uniform(0, 2 * np.pi))))
            radius += rng.uniform(0.15, 0.55) * np.exp(-np.abs(offset) / rng.uniform(0.05, 0.12))
    return np.maximum(radius, 0.35)


def _soft_shape(rng, shape, size, aspect, outline, softness, centre=None) -> tuple[np.ndarray, np.ndarray] | None:
    """Draws a closed shape of half-width `size` and half-height `size * aspect`, tilted a little.

    Returns:
        weight, (H, W) float32 in [0, 1], which falls from inside to outside over about `softness` pixels, and the
        signed distance to the outline in pixels, positive inside; None when the shape lies outside the image.
    """
    height, width = shape
    if centre is None:
        centre = (rng.uniform(0, width), rng.uniform(0.12, 0.95) * height)
    angle = np.linspace(0, 2 * np.pi, 180, endpoint=False)
    radius, tilt = size * _outline(rng, outline), rng.normal(0, 0.25)
    x, y = radius * np.cos(angle), radius * np.sin(angle) * aspect
    turned = (x * np.cos(tilt) - y * np.sin(tilt), x * np.sin(tilt) + y * np.cos(tilt))
    points = np.stack(turned, axis=1) + centre
    binary = np.zeros(shape, np.uint8)
    # OpenCV draws in fixed-point coordinates: sixteenths of a pixel.
    cv2.fillPoly(binary, [np.round(points * 16).astype(np.int32)], 1, shift=4)
    if not binary.any():
        return None
    outside = cv2.distanceTransform(1 - binary, cv2.DIST_L2, 3)
    distance = cv2.distanceTransform(binary, cv2.DIST_L2, 3) - outside
    return 1 / (1 + np.exp(np.clip(distance * (-2 / softness), -30, 30))), distance


def _draw_lesion(rng, level, category, outline, others, small) -> np.ndarray:
    """Draws a lesion and what lies behind it into `level` and returns its mask, (H, W) uint8 in {0, 1}."""
    height, width = level.shape
    benign = category == "benign"
    # Two lesions of one image stay apart, as each has its own mask file.
    taken = cv2.dilate(np.maximum.reduce(others), np.ones((9, 9), np.uint8)) if others else None
    while True:
        size = width * (rng.uniform(0.05, 0.09) if small else np.exp(rng.uniform(np.log(0.06), np.log(0.19))))
        centre = (rng.uniform(0.7 * size, width - 0.7 * size), rng.uniform(0.22, 0.7) * height)
        aspect = rng.uniform(0.5, 0.85) if benign else rng.uniform(0.7, 1.15)
        softness = rng.uniform(2, 6) if benign else rng.uniform(3, 9)
        weight, distance = _soft_shape(rng, level.shape, size, aspect, outline, softness, centre)
        mask = (distance > 0).astype(np.uint8)
        if taken is None or not (mask & taken).any():
            break
    # Simple cysts are all but black; most lesions are grey.
    contrast = rng.uniform(20, 28) if benign and rng.random() < 0.25 else rng.uniform(11, 19)
    fade = np.clip(smooth_field(rng, height, width, 1.2 * size, 1.2 * size), 0, 1.6)
    share = 1 - rng.choice([0.1, 0.5]) * fade
    around = cv2.blur(level, (2 * int(size / 2) + 9,) * 2)
    inside = around - contrast * share + rng.uniform(1, 2.5) * smooth_field(rng, height, width, 6, 8)
    level += weight * (inside - level)
    if not benign:  # echogenic halo
        level += rng.uniform(0, 5) * np.exp(-(((distance + 5) / 5) ** 2))
    columns, rows = np.flatnonzero(mask.any(0)), np.flatnonzero(mask.any(1))
    top, half = rows[-1] - 0.15 * size, 0.42 * len(columns)
    behind = _stripe(level.shape, top, columns.mean(), half, spread=0.02)
    level += (rng.uniform(0, 9) if benign else rng.uniform(-14, 1)) * behind * (1 - weight)
    return mask


def _attenuate(rng: np.random.Generator, level: np.ndarray) -> None:
    """Lowers `level` with depth, by what time-gain compensation leaves over, and unevenly along the width."""
    height, width = level.shape
    depth = np.linspace(0, 1, height, dtype=np.float32)[:, None]
    level -= rng.uniform(0, 18) * depth ** rng.uniform(1, 2.5)
    level += rng.uniform(0.5, 2) * smooth_field(rng, height, width, height, width / 3)


def _speckle(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Returns 20 log10 of a correlated Rayleigh field of unit mean power, (height, width) float32, in dB."""
    # The axial resolution (rows) is finer than the lateral one.
    sigma_x, sigma_y = rng.uniform(1.3, 2.2), rng.uniform(0.8, 1.2)
    real, imaginary = (
        cv2.GaussianBlur(rng.standard_normal((height, width), dtype=np.float32), (0, 0), sigma_x, sigmaY=sigma_y)
        for _ in range(2)
    )
    power = real * real + imaginary * imaginary
    return 10 * np.log10(np.maximum(power / power.mean(), np.float32(1e-4)))


def _display(level: np.ndarray) -> np.ndarray:
    """Maps dB to grey: what only 0.3 % of the pixels exceed is white, DYNAMIC_RANGE below it black."""
    white = np.percentile(level[::4, ::4], 99.7)
    return np.clip(255 * (1 + (level - white) / DYNAMIC_RANGE), 0, 255).astype(np.uint8)
