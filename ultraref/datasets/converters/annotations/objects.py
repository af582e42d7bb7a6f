"""What annotation tools say of an image, whatever file they write."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ultraref.datasets.readers.decoding import MAX_PIXELS, check_size
from ultraref.errors import UserError
from ultraref.text_file import shown

# Corners of one outline; a hand draws hundreds, a program that traces a mask some thousands.
MAX_CORNERS = 100_000


@dataclass(frozen=True)
class AnnotatedObject:
    """One object.

    Attributes:
        label: its class; "" where it has none.
        where: what it is called in messages, e.g. "object 3 (nodule)".
        draw: (height, width) of the image -> its mask, (H, W) uint8 in {0, 1}; raises UserError without the file's name. None where
            its kind of shape has no inside.
        shape: what kind of shape it is, as the tool calls it.
    """

    label: str
    where: str
    draw: Callable[[tuple[int, int]], np.ndarray] | None
    shape: str


@dataclass(frozen=True)
class AnnotatedImage:
    """One image.

    Attributes:
        image: path of the image file as the tool wrote it, relative to `folder`.
        folder: where the file is looked for first.
        annotation: the file that says it, for messages.
        size: (height, width) that the tool states; None where it doesn't.
        objects: what is marked on it.
        split: the part that the tool gives it; None where it gives none.
        attributes: further facts by name.
    """

    image: str
    folder: Path
    annotation: Path
    size: tuple[int, int] | None
    objects: tuple[AnnotatedObject, ...]
    split: str | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)


def corners(points, what: str) -> np.ndarray:
    """Returns corners as (N, 2) float64, x and y.

    Args:
        points: list of [x, y].
        what: whose they are, for messages.

    Raises:
        UserError: they aren't finite numbers, fewer than three or more than 100,000.
    """
    if not isinstance(points, list) or not all(
        isinstance(point, (list, tuple)) and len(point) == 2 and all(type(value) in (int, float) for value in point)
        for point in points
    ):
        raise UserError(f"{what}: its points are not a list of [x, y]")
    if not 3 <= len(points) <= MAX_CORNERS:
        raise UserError(f"{what}: has {len(points)} points; an outline has 3 to {MAX_CORNERS}")
    return np.array(points, np.float64)


def whole_size(height, width, what: str) -> tuple[int, int]:
    """Returns (height, width) that a file states.

    Raises:
        UserError: they are no positive whole numbers, or too many pixels.
    """
    size = []
    for value in (height, width):
        if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 7:
            value = int(value)
        if type(value) is not int or not 0 < value < 10**6:
            raise UserError(
                f"{what}: the image's size is {shown(height)} x {shown(width)}; it is whole numbers of pixels"
            )
        size.append(value)
    check_size(what, *size, MAX_PIXELS)
    return size[0], size[1]
