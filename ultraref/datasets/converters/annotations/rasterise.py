"""From outlines to pixels, by one rule for every format.

Coordinates are continuous, (x, y) with the edges of pixels at whole numbers, as annotation tools and COCO have them: the pixel of
column c and row r covers c to c + 1 and r to r + 1. A pixel belongs to a shape if its centre does. A centre exactly on an outline
belongs to the shape at its right or below, so that two shapes that share an edge share no pixel.
"""

import numpy as np

from ultraref.errors import UserError

# How far a shape may reach past the image, in sizes of the image. Annotators draw past the border; coordinates of another scale do so by
# far more.
_PAST = 1.0


def polygon_mask(corners: np.ndarray, shape: tuple[int, int], what: str) -> np.ndarray:
    """Rasterises a polygon; where its outline goes round twice (even-odd rule), it is a hole.

    Args:
        corners: (N, 2) float64, x and y; the last is joined to the first.
        shape: (height, width) of the image. What lies past it is cut off.
        what: whose outline it is, for messages.

    Returns:
        (H, W) uint8 in {0, 1}.

    Raises:
        UserError: a corner isn't finite, or lies past the image by more than its size.
    """
    check_bounds(corners, shape, what)
    height, width = shape
    # 1 where the outline is crossed between a pixel's centre and that of its left neighbour, an odd number of times.
    crossings = np.zeros((height, width + 1), np.uint8)
    for (x0, y0), (x1, y1) in zip(corners, np.roll(corners, -1, axis=0)):
        if y0 > y1:
            x0, y0, x1, y1 = x1, y1, x0, y0
        # Rows whose centre, r + 0.5, lies in [y0, y1): a corner counts for one of its two edges.
        first, last = max(int(np.ceil(y0 - 0.5)), 0), min(int(np.ceil(y1 - 0.5)), height)
        if first >= last:
            continue
        rows = np.arange(first, last)
        crossed = x0 + (rows + 0.5 - y0) * ((x1 - x0) / (y1 - y0))
        columns = np.clip(np.ceil(crossed - 0.5), 0, width).astype(np.int64)
        crossings[rows, columns] ^= 1
    return np.ascontiguousarray(np.bitwise_xor.accumulate(crossings, axis=1)[:, :width])


def ellipse_mask(
    centre: tuple[float, float], radii: tuple[float, float], shape: tuple[int, int], what: str, degrees: float = 0.0
) -> np.ndarray:
    """Rasterises an ellipse or a circle.

    Args:
        centre: x and y.
        radii: along its own first axis and second axis, both positive.
        shape: (height, width) of the image.
        what: whose outline it is, for messages.
        degrees: angle of its first axis to the image's x, clockwise as the image is shown.

    Returns:
        (H, W) uint8 in {0, 1}.

    Raises:
        UserError: it isn't finite, lies past the image by more than its size, or has no area.
    """
    (x, y), (first, second) = centre, radii
    reach = max(radii)
    check_bounds(np.array([[x - reach, y - reach], [x + reach, y + reach]]), shape, what)
    if min(radii) <= 0 or not np.isfinite(degrees):
        raise UserError(f"{what}: an ellipse of radii {first:g} and {second:g} and angle {degrees:g} has no area")
    right, down = np.arange(shape[1]) + 0.5 - x, (np.arange(shape[0]) + 0.5 - y)[:, None]
    cosine, sine = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    along, across = right * cosine + down * sine, down * cosine - right * sine
    return ((along / first) ** 2 + (across / second) ** 2 <= 1).astype(np.uint8)


def paste(mask: np.ndarray, left: int, top: int, shape: tuple[int, int], what: str) -> np.ndarray:
    """Returns a small mask at its place in the image.

    Args:
        mask: (h, w) of {0, 1} or bool.
        left, top: column and row of its first pixel.
        shape: (height, width) of the image.
        what: whose it is, for messages.

    Raises:
        UserError: it doesn't lie in the image.
    """
    height, width = mask.shape
    if left < 0 or top < 0 or top + height > shape[0] or left + width > shape[1]:
        raise UserError(
            f"{what}: its mask of {height} x {width} (height x width) at row {top}, column {left} doesn't lie in the image of "
            f"{shape[0]} x {shape[1]}"
        )
    whole = np.zeros(shape, np.uint8)
    whole[top : top + height, left : left + width] = mask
    return whole


def check_bounds(points: np.ndarray, shape: tuple[int, int], what: str) -> None:
    """Refuses coordinates that aren't finite, or lie past the image by more than its size.

    Args:
        points: (N, 2) float64, x and y.
        shape: (height, width) of the image.
        what: whose they are, for messages.
    """
    limit = np.array([shape[1], shape[0]], np.float64)
    if not np.isfinite(points).all():
        raise UserError(f"{what}: has a coordinate that is not finite")
    far = (points < -_PAST * limit) | (points > (1 + _PAST) * limit)
    if far.any():
        x, y = points[far.any(axis=1)][0]
        raise UserError(
            f"{what}: has the point x {x:g}, y {y:g}, far outside its image of {shape[1]} x {shape[0]} (width x height); coordinates are pixels"
        )
