"""A picture of a few images of a set with their outlines, to see at a glance whether masks fit."""

from pathlib import Path

import cv2
import numpy as np

from ultraref.datasets.image_io import encode_rgb_png, read_image, read_mask
from ultraref.datasets.splits import Splits

OUTLINE = (255, 220, 0)


def write_montage(root: Path, splits: Splits, path: Path, rows: int = 4, columns: int = 6, tile: int = 192) -> None:
    """Writes a PNG of `rows` x `columns` images that are spread evenly over the sorted names."""
    names = list(splits.images)
    chosen = [names[i] for i in np.unique(np.linspace(0, len(names) - 1, rows * columns).astype(int))]
    sheet = np.zeros((rows * tile, columns * tile, 3), np.uint8)
    for place, name in enumerate(chosen):
        folder = root / splits.images[name].split
        picture = outlined(
            read_image(folder / "images" / f"{name}.png"), read_mask(folder / "masks" / f"{name}.png"), tile
        )
        cv2.putText(picture, name, (4, tile - 6), cv2.FONT_HERSHEY_SIMPLEX, 0.38, (255, 255, 255), 1, cv2.LINE_AA)
        top, left = place // columns * tile, place % columns * tile
        sheet[top : top + tile, left : left + tile] = picture
    path.write_bytes(encode_rgb_png(sheet))


def outlined(image: np.ndarray, mask: np.ndarray, tile: int) -> np.ndarray:
    """Returns the image with the mask's outline, scaled to fit into (tile, tile, 3) uint8 RGB on black.

    Args:
        image: (H, W) uint8.
        mask: (H, W) uint8 in {0, 1}.
        tile: side in pixels.
    """
    scale = tile / max(image.shape)
    size = tuple(max(round(side * scale), 1) for side in image.shape[::-1])
    interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    picture = cv2.cvtColor(cv2.resize(image, size, interpolation=interpolation), cv2.COLOR_GRAY2RGB)
    coverage = cv2.resize(mask.astype(np.float32), size, interpolation=interpolation)
    contours, _ = cv2.findContours((coverage >= 0.5).astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(picture, contours, -1, OUTLINE, 1)
    result = np.zeros((tile, tile, 3), np.uint8)
    top, left = (tile - size[1]) // 2, (tile - size[0]) // 2
    result[top : top + size[1], left : left + size[0]] = picture
    return result
