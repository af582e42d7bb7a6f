"""What a set's own table says of an image's size and its lesion's box, held against the files."""

import re
from dataclasses import dataclass

import numpy as np

# Pixels that a side of a box may be off: counted from 0 or 1, the last pixel's index or the one after it.
_BOX_TOLERANCE = 2.0


@dataclass(frozen=True)
class StatedGeometry:
    """What a table says. A value that isn't stated is empty.

    Attributes:
        width, height: of the image in pixels, as written.
        box: of the lesion, as written: four numbers, "[x, y, width, height]" or "[x1, y1, x2, y2]" in pixels.
    """

    width: str = ""
    height: str = ""
    box: str = ""

    def contradictions(self, mask: np.ndarray) -> dict[str, str]:
        """Compares with a mask, (H, W) uint8 in {0, 1}, of the image's size.

        Returns:
            What is wrong, in words, by "width", "height" or "bbox".
        """
        found = {}
        for side, stated, real in (("height", self.height, mask.shape[0]), ("width", self.width, mask.shape[1])):
            if stated and _numbers(stated) != [real]:
                found[side] = f"the table's {side} is {stated}, but the image's {real}"
        if self.box and mask.any():
            rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
            left, top, right, bottom = columns[0], rows[0], columns[-1] + 1, rows[-1] + 1
            stated = _numbers(self.box)
            readings = ([left, top, right - left, bottom - top], [left, top, right, bottom])
            if len(stated) != 4 or all(np.abs(np.subtract(stated, box)).max() > _BOX_TOLERANCE for box in readings):
                found["bbox"] = (
                    f"the table's box is {self.box}, but the mask's x, y, width, height are {', '.join(map(str, readings[0]))}"
                )
        return found


def _numbers(text: str) -> list[float]:
    """The numbers in a text; none of one that holds other words."""
    words = re.split(r"[\s,;]+", text.strip("[](){} \t"))
    try:
        return [float(word) for word in words]
    except ValueError:
        return []
