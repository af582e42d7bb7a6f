"""From what a user pointed at to what SAM is asked."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

Box = tuple[float, float, float, float]
Point = tuple[float, float, int]

# Sides of the boxes that one click in a lesion is tried with, as shares of the image's shorter side, where SAM knows boxes alone. The
# one with the highest predicted IoU is taken. LiteMedSAM on 26 images of BUSI, clicked at the lesion's centroid: mean Dice 0.76, against
# 0.61 of the best single side.
GUESSED_SIDES = (0.15, 0.2, 0.3, 0.4, 0.55)
# What a box that clicks span reaches beyond them, as a share of the shorter side.
MARGIN = 0.02


@dataclass(frozen=True)
class Ask:
    """One question to SAM, in pixels of the image: `box` xyxy or None, `points` (x, y, label), label 1 in the lesion, 0 outside."""

    box: Box | None
    points: tuple[Point, ...] = ()


def questions(
    points: Sequence[Point], box: Box | None, coarse: np.ndarray | None, shape: tuple[int, int], knows_points: bool
) -> list[Ask]:
    """Returns what SAM is asked; of several questions the answer with the highest predicted IoU counts.

    A SAM that was trained with points gets box and points as they are. One that knows boxes alone answers points with
    nonsense (LiteMedSAM: a Dice near 0), so clicks shape a box: it starts as the user's box, or that of the coarse mask; it grows around
    points in the lesion; and the side that loses the least area moves in until a background point is out. A single click,
    with nothing to start from, is tried with boxes of several sizes.

    Args:
        points: (x, y, label), label 1 in the lesion, 0 in the background, in pixels of the image.
        box: xyxy, likewise.
        coarse: (H, W), whose lesion is what lies above 0.5; or None.
        shape: (height, width) of the image.
        knows_points: whether SAM was trained with points.

    Returns:
        Nothing where there is nothing to ask: neither a box nor a point in the lesion.
    """
    inside = [point for point in points if point[2] == 1]
    if knows_points:
        return [Ask(box, tuple(points))] if box is not None or inside else []
    start = box if box is not None or coarse is None else _box_of(coarse)
    if start is None and not inside:
        return []
    short = min(shape)
    if start is None and len(inside) == 1:
        boxes = [_grown(None, inside, share * short / 2) for share in GUESSED_SIDES]
    else:
        boxes = [_grown(start, inside, MARGIN * short)]
    outside = [point for point in points if point[2] == 0]
    return [Ask(_without(_clipped(each, shape), inside, outside)) for each in boxes]


def _box_of(coarse: np.ndarray) -> Box | None:
    """The box of {coarse > 0.5}, from and to its outermost pixels; None where it has no extent."""
    rows, columns = (np.flatnonzero((coarse > 0.5).any(axis=axis)) for axis in (1, 0))
    if len(rows) < 2 or len(columns) < 2:
        return None
    return float(columns[0]), float(rows[0]), float(columns[-1]), float(rows[-1])


def _grown(box: Box | None, inside: Sequence[Point], margin: float) -> Box:
    """The least box around a box and points that lie in it by a margin at least; a point that does already moves no side."""
    left = [x - margin for x, _, _ in inside]
    top = [y - margin for _, y, _ in inside]
    right = [x + margin for x, _, _ in inside]
    bottom = [y + margin for _, y, _ in inside]
    x1, y1, x2, y2 = ([], [], [], []) if box is None else ([side] for side in box)
    return min(left + x1), min(top + y1), max(right + x2), max(bottom + y2)


def _clipped(box: Box, shape: tuple[int, int]) -> Box:
    height, width = shape
    x1, x2 = np.clip((box[0], box[2]), 0, width - 1)
    y1, y2 = np.clip((box[1], box[3]), 0, height - 1)
    return float(x1), float(y1), float(x2), float(y2)


def _without(box: Box, inside: Sequence[Point], outside: Sequence[Point]) -> Box:
    """Moves sides until no background point is in the box. One that only a side beyond a point in the lesion would shut out stays."""
    for x, y, _ in outside:
        x1, y1, x2, y2 = box
        if not (x1 <= x <= x2 and y1 <= y <= y2):
            continue
        # A pixel beside the point, on each of its four sides.
        cuts = [(x + 1, y1, x2, y2), (x1, y + 1, x2, y2), (x1, y1, x - 1, y2), (x1, y1, x2, y - 1)]
        allowed = [cut for cut in cuts if _area(cut) > 0 and all(_holds(cut, point) for point in inside)]
        box = max(allowed, key=_area, default=box)
    return box


def _area(box: Box) -> float:
    return max(0.0, box[2] - box[0]) * max(0.0, box[3] - box[1])


def _holds(box: Box, point: Point) -> bool:
    return box[0] <= point[0] <= box[2] and box[1] <= point[1] <= box[3]
