"""A picture of pairs, to judge by eye whether they show the same."""

import cv2
import numpy as np

from ultraref.datasets.audit.images import AuditImage
from ultraref.datasets.audit.pairs import Pair
from ultraref.datasets.converters.montage import outlined
from ultraref.datasets.image_io import read_image, read_mask

_CAPTION = 34


def pair_sheet(images: list[AuditImage], pairs: list[Pair], columns: int = 3, tile: int = 160) -> np.ndarray:
    """Draws the two images of each pair side by side with their outlines.

    Args:
        images: what the pairs' places refer to.
        pairs: in the order in which they are drawn.
        columns: pairs in a row.
        tile: side of an image in pixels.

    Returns:
        (height, width, 3) uint8 RGB; one empty cell without pairs.
    """
    rows = max(-(-len(pairs) // columns), 1)
    height, width = tile + _CAPTION + 6, 2 * tile + 6
    sheet = np.full((rows * height, columns * width, 3), 255, np.uint8)
    for place, pair in enumerate(pairs):
        top, left = place // columns * height, place % columns * width
        first, second = images[pair.first], images[pair.second]
        for side, image in enumerate((first, second)):
            picture = outlined(read_image(image.path), read_mask(image.mask_path), tile)
            x = left + side * tile
            sheet[top + _CAPTION : top + _CAPTION + tile, x : x + tile] = picture
            _write(sheet, f"{image.name} {image.part}", x + 2, top + 12)
        verdict = "exact" if pair.exact else f"{pair.correlation:.2f}, sure {pair.score:.1f}"
        verdict += "" if pair.confirmed else " (rejected)" if pair.judged else " (not confirmed)"
        sets = "" if first.dataset == second.dataset else f" {first.dataset} / {second.dataset}"
        flip = f" {pair.flip}" if pair.flip else ""
        _write(sheet, f"{place + 1}: bits {pair.distance}, corr. {verdict}{flip}{sets}", left + 2, top + 28)
    return sheet


def _write(sheet: np.ndarray, text: str, x: int, y: int) -> None:
    cv2.putText(sheet, text, (x, y), cv2.FONT_HERSHEY_SIMPLEX, 0.36, (0, 0, 0), 1, cv2.LINE_AA)
