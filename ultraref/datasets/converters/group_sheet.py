"""A picture of large groups of near-duplicates, to see at a glance whether they are that."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from ultraref.datasets.converters.montage import outlined
from ultraref.datasets.image_io import encode_rgb_png, read_image, read_mask
from ultraref.datasets.splits import Splits

GROUP_SHEET_NAME = "large_groups.png"
# Groups on the sheet, and images of each: the first, the last and others spread evenly between them.
_GROUPS, _IMAGES = 12, 8
_CAPTION = 18


def write_group_sheet(root: Path, splits: Splits, groups: Sequence[Sequence[str]], path: Path, tile: int = 160) -> None:
    """Writes a PNG with a row of images for each group, the largest groups first.

    Args:
        root: the converted set.
        splits: of it.
        groups: names of the images of each group.
        path: file to write.
        tile: side of an image in pixels.
    """
    groups = sorted(groups, key=lambda names: (-len(names), names))[:_GROUPS]
    sheet = np.zeros((len(groups) * (tile + _CAPTION), _IMAGES * tile, 3), np.uint8)
    for row, names in enumerate(groups):
        top = row * (tile + _CAPTION)
        _write(sheet, f"{len(names)} images, the first is {names[0]}", 4, top + 13)
        chosen = [names[i] for i in np.unique(np.linspace(0, len(names) - 1, _IMAGES).astype(int))]
        for column, name in enumerate(chosen):
            folder = root / splits.images[name].split
            image, mask = read_image(folder / "images" / f"{name}.png"), read_mask(folder / "masks" / f"{name}.png")
            left = column * tile
            sheet[top + _CAPTION : top + _CAPTION + tile, left : left + tile] = outlined(image, mask, tile)
            _write(sheet, name, left + 4, top + _CAPTION + tile - 6)
    path.write_bytes(encode_rgb_png(sheet))


def _write(sheet: np.ndarray, text: str, x: int, y: int) -> None:
    cv2.putText(sheet, text, (x, y), cv2.FONT_HERSHEY_SIMPLEX, 0.38, (255, 255, 255), 1, cv2.LINE_AA)
