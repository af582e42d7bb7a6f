"""Made-up screenshots of a scanner: tissue in a screen of text, panels and scales that all of them share."""

from dataclasses import dataclass

import cv2
import numpy as np


@dataclass(frozen=True)
class Screen:
    """A scanner's screen.

    Attributes:
        picture: (H, W) uint8, without tissue.
        box: (top, left, bottom, right) of the tissue.
    """

    picture: np.ndarray
    box: tuple[int, int, int, int]

    def show(self, tissue: np.ndarray) -> np.ndarray:
        """Returns (H, W) uint8: the screen with (h, w) uint8 tissue in its box, and a ruler burnt into that."""
        top, left, bottom, right = self.box
        shot = self.picture.copy()
        shot[top:bottom, left:right] = cv2.resize(tissue, (right - left, bottom - top), interpolation=cv2.INTER_AREA)
        step = max((bottom - top) // 25, 4)
        for number, y in enumerate(range(top, bottom, step)):
            shot[y : y + 2, right - step : right - (2 if number % 5 == 0 else step // 2)] = 255
        for number, x in enumerate(range(left, right, step)):
            shot[bottom - (step if number % 5 == 0 else step // 2) : bottom - 2, x : x + 2] = 255
        return shot

    def outline(self, mask: np.ndarray) -> np.ndarray:
        """Returns (H, W) uint8: (h, w) uint8 mask of the tissue, in the box."""
        top, left, bottom, right = self.box
        shown = np.zeros_like(self.picture)
        shown[top:bottom, left:right] = cv2.resize(mask, (right - left, bottom - top), interpolation=cv2.INTER_NEAREST)
        return shown


def make_screen(height: int = 600, width: int = 800) -> Screen:
    """Draws a screen of (height, width) pixels whose tissue takes 63 % of it."""
    picture = np.full((height, width), 12, np.uint8)
    top, left, bottom, right = (height // 10, width // 6, height * 15 // 16, width * 11 // 12)
    scale = height / 600
    cv2.rectangle(picture, (0, 0), (width, int(0.8 * top)), 70, -1)
    _write(picture, "BREAST 12L  MI 0.9  TIS 0.4", 0.02 * width, 0.6 * top, scale)
    for row in range(12):
        _write(picture, f"Gn {5 * row}", 0.01 * width, top + (row + 1) * (bottom - top) / 14, 0.7 * scale)
    grey = np.linspace(255, 0, bottom - top).astype(np.uint8)
    picture[top:bottom, int(right + 0.2 * (width - right)) : int(right + 0.6 * (width - right))] = grey[:, None]
    cv2.rectangle(picture, (0, bottom + (height - bottom) // 4), (width, height), 60, -1)
    _write(picture, "Freeze  Measure  Annotate", 0.2 * width, height - 4, 0.7 * scale)
    return Screen(picture, (top, left, bottom, right))


def make_tissue(rng: np.random.Generator, height: int = 375, width: int = 600) -> np.ndarray:
    """Returns (height, width) uint8 of random layers and speckle, in a tenth of the time that a phantom takes."""
    layers = sum(
        weight
        * cv2.resize(
            rng.standard_normal((rows, columns), dtype=np.float32), (width, height), interpolation=cv2.INTER_CUBIC
        )
        for rows, columns, weight in ((6, 5, 22), (14, 10, 16), (40, 30, 12), (height // 3, width // 3, 10))
    )
    depth = np.linspace(30, -30, height, dtype=np.float32)[:, None]
    return np.clip(100 + depth + layers, 0, 255).astype(np.uint8)


def _write(picture: np.ndarray, text: str, x: float, y: float, scale: float) -> None:
    cv2.putText(picture, text, (int(x), int(y)), cv2.FONT_HERSHEY_SIMPLEX, 0.7 * scale, 220, 1, cv2.LINE_AA)
