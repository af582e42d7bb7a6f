"""One object's outline in COCO's format, checked before pycocotools sees it.

pycocotools trusts what it is given: a run-length string that is too short becomes uninitialised memory, and a polygon corner of 1e9
ends the process.
"""

import math
from collections.abc import Sequence

import numpy as np
from pycocotools import mask as coco_mask

from ultraref.text_file import shown

# Coordinates of a polygon with fewer corners than a triangle.
_TRIANGLE = 6
# The string's characters hold five bits each, from "0"; a sixth says that more follow, so that 32 bits take up to seven.
_FIRST, _MORE, _SIGN, _BITS, _MOST_CHARACTERS = ord("0"), 0x20, 0x10, 5, 7


class SegmentationError(Exception):
    """Why an object has no mask; one line."""


def encode_segmentation(segmentation, size: tuple[int, int]) -> tuple[dict, list[str]]:
    """Returns the run-length code of an object, and what is wrong with polygons that were left out.

    Args:
        segmentation: content of JSON: polygons [[x1, y1, x2, y2, ...], ...] in pixels, or run lengths {"size": [height, width],
            "counts": ...}, whose counts are a list of whole numbers or COCO's string.
        size: (height, width) of the image.

    Returns:
        pycocotools' code, {"size": [height, width], "counts": bytes}, of a mask that covers at least one pixel; and a message for
        each polygon without area.

    Raises:
        SegmentationError: it is neither, it is damaged or of another size, there is no outline, or it covers no pixel.
    """
    if isinstance(segmentation, dict):
        code, faults = _encode_runs(segmentation, size), []
    elif isinstance(segmentation, list) or segmentation is None:
        code, faults = _encode_polygons(segmentation or [], size)
    else:
        raise SegmentationError(f"its segmentation is {shown(segmentation)}, neither polygons nor run lengths")
    if not coco_mask.area(code):
        raise SegmentationError("its mask covers no pixel")
    return code, faults


def decode_union(codes: Sequence[dict], size: tuple[int, int]) -> np.ndarray:
    """Returns the union of codes of `encode_segmentation`, (height, width) uint8 in {0, 1}; none gives an empty mask."""
    if not codes:
        return np.zeros(size, np.uint8)
    return coco_mask.decode(coco_mask.merge(list(codes)))


def read_run_string(text: str, most: int) -> list[int]:
    """Returns the run lengths of COCO's string.

    Each number is written in groups of five bits, the lowest first, one a character; from the fourth on a number is the difference
    to the one two places before it.

    Args:
        text: the string.
        most: the largest length that a run may have.

    Raises:
        SegmentationError: a character is foreign, the last number is cut off, or a run is negative or longer than `most`.
    """
    counts: list[int] = []
    value = groups = 0
    for position, character in enumerate(text):
        digit = ord(character) - _FIRST
        if not 0 <= digit < 2 * _MORE:
            raise SegmentationError(f"its run-length string has the foreign character {character!r} at {position}")
        value |= (digit & (_MORE - 1)) << (_BITS * groups)
        groups += 1
        if digit & _MORE:
            if groups == _MOST_CHARACTERS:
                raise SegmentationError(f"its run-length string has a number of too many characters at {position}")
            continue
        if digit & _SIGN:
            value -= 1 << (_BITS * groups)
        if len(counts) > 2:
            value += counts[-2]
        if not 0 <= value <= most:
            raise SegmentationError(f"its run-length string has a run of {value} pixels, the image has {most}")
        counts.append(value)
        value = groups = 0
    if groups:
        raise SegmentationError("its run-length string is cut off")
    return counts


def _encode_runs(segmentation: dict, size: tuple[int, int]) -> dict:
    counts, given, pixels = segmentation.get("counts"), segmentation.get("size"), size[0] * size[1]
    if given != list(size):
        raise SegmentationError(f"its run-length code is of size {shown(given)}, the image of {list(size)}")
    if not counts or not isinstance(counts, (str, list)):
        raise SegmentationError(f"its run-length code has the counts {shown(counts)}; a list or a string is needed")
    if isinstance(counts, str):
        counts = read_run_string(counts, pixels)
    elif not all(type(count) is int and 0 <= count <= pixels for count in counts):
        wrong = next(count for count in counts if not (type(count) is int and 0 <= count <= pixels))
        raise SegmentationError(
            f"its run-length code has the count {shown(wrong)}; whole numbers up to {pixels} are needed"
        )
    if sum(counts) != pixels:
        raise SegmentationError(f"its runs cover {sum(counts)} pixels, the image has {pixels}")
    return coco_mask.frPyObjects({"size": list(size), "counts": counts}, *size)


def _encode_polygons(polygons: list, size: tuple[int, int]) -> tuple[dict, list[str]]:
    codes, faults = [], []
    for index, polygon in enumerate(polygons):
        fault = _polygon_fault(polygon, size)
        if fault is None:
            code = coco_mask.frPyObjects([polygon], *size)[0]
            if coco_mask.area(code):
                codes.append(code)
                continue
            fault = "covers no pixel"
        faults.append(f"polygon {index} {fault}")
    if not codes:
        reason = "; ".join(faults[:3]) or "it has no polygon, only a box at best"
        raise SegmentationError(f"an object without an outline ({reason})")
    return coco_mask.merge(codes), faults


def _polygon_fault(polygon, size: tuple[int, int]) -> str | None:
    if not isinstance(polygon, list) or not all(type(value) in (int, float) for value in polygon):
        return "is not a list of numbers"
    if len(polygon) < _TRIANGLE or len(polygon) % 2:
        return f"has {len(polygon)} numbers; x and y of at least 3 corners are needed"
    if not all(map(math.isfinite, polygon)):
        return "has a coordinate that is not finite"
    # Annotators draw beyond the image, but not further than it is large.
    for axis, length in enumerate((size[1], size[0])):
        far = next((value for value in polygon[axis::2] if not -length <= value <= 2 * length), None)
        if far is not None:
            return f"has {'xy'[axis]} = {far:g}, far outside of the image, whose {('width', 'height')[axis]} is {length}; coordinates are pixels"
    corners = np.asarray(polygon, np.float64).reshape(-1, 2)
    # pycocotools takes memory for each step along the outline. One of single pixels has four edges a pixel.
    steps = np.abs(corners - np.roll(corners, 1, axis=0)).max(axis=1).sum()
    if steps > 4 * (size[0] + 1) * (size[1] + 1) + 6 * sum(size):
        return f"has an outline of {steps:.0f} pixels, longer than the image has room for"
    return None
