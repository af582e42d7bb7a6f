"""Where the points of a lesion lie: its deepest pixel, the ends of its axes, and a ring around its box."""

import cv2
import numpy as np

# How far the ends of the axes are pulled towards the centroid.
INWARD = 0.15
# (l1 - l2) / (l1 + l2) of the variances along the axes below which a lesion counts as round: 0.05 is a ratio of 0.95
# between the standard deviations.
ROUND = 0.05
# Growth of the box on each side: a share of that side's length, and at least so many pixels.
RING_SHARE, RING_MIN = 0.2, 2.0
# Places on the ring in the order in which they are tried: x and y from 0 (left, top) to 1.
RING = ((0, 0), (1, 1), (1, 0), (0, 1), (0, 0.5), (1, 0.5), (0.5, 0), (0.5, 1))


def foreground_points(mask: np.ndarray, count: int) -> np.ndarray:
    """Returns the first `count` of seven points in the lesion.

    1. The pixel farthest from the outline (the frame's border counts as outline); of several, the one nearest to the
       centroid.
    2., 3. The ends of the major principal axis through the centroid, pulled 15 % inward. 4., 5. Those of the minor.
    6., 7. The points halfway from the centroid to 2. and 3.

    The ends of an axis are ordered by x + y: the one nearer to the frame's top left corner comes first, so that a small
    turn of a lying, standing or round lesion never swaps them. A round lesion has no principal axes; its major axis is
    then the x axis. A point that falls outside of a curved lesion moves to the nearest lesion pixel.

    Args:
        mask: (H, W) uint8 in {0, 1}, not empty.
        count: 1 to 7.

    Returns:
        (count, 2) float64, (x, y) in pixel-index units.
    """
    y, x = np.nonzero(mask)
    pixels = np.stack([x, y], axis=1).astype(np.float64)
    centroid = pixels.mean(axis=0)
    major, minor = principal_axes(pixels - centroid)
    major_ends, minor_ends = (_axis_ends(pixels - centroid, axis) for axis in (major, minor))
    points = [
        deepest_pixel(mask, centroid),
        *(centroid + (1 - INWARD) * end for end in (*major_ends, *minor_ends)),
        *(centroid + 0.5 * (1 - INWARD) * end for end in major_ends),
    ]
    return np.stack([_into_lesion(point, mask, pixels) for point in points[:count]])


def background_points(mask: np.ndarray, count: int) -> np.ndarray:
    """Returns `count` points of the background around the lesion.

    They lie on the ring that the lesion's box makes when it grows by 20 % of each side's length, at least 2 px, on each
    side. Its corners are tried first (top left, bottom right, top right, bottom left), then the middles of its edges
    (left, right, top, bottom). The clipping rule: a place outside of the frame moves to the nearest pixel within; one
    that is then in the lesion is passed over. Where all are used up, the background pixel farthest from the lesion
    stands in.

    Args:
        mask: (H, W) uint8 in {0, 1} with both values.
        count: number of points.

    Returns:
        (count, 2) float64, (x, y) in pixel-index units.
    """
    height, width = mask.shape
    left, top, box_width, box_height = cv2.boundingRect(mask)
    low, size = np.array([left, top], np.float64), np.array([box_width - 1, box_height - 1], np.float64)
    grow = np.maximum(RING_SHARE * (size + 1), RING_MIN)
    places = []
    for unit in RING:
        place = np.clip(low - grow + np.array(unit) * (size + 2 * grow), 0, [width - 1, height - 1])
        if not mask[tuple(np.rint(place[::-1]).astype(int))]:
            places.append(place)
    if len(places) < count:
        depth = cv2.distanceTransform(1 - mask, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
        y, x = np.unravel_index(depth.argmax(), depth.shape)
        places += [np.array([x, y], np.float64)] * (count - len(places))
    return np.array(places[:count]).reshape(count, 2)


def deepest_pixel(mask: np.ndarray, centroid: np.ndarray) -> np.ndarray:
    """Returns the pixel with the largest distance to the background, of equals the one nearest to the centroid."""
    depth = cv2.distanceTransform(np.pad(mask, 1), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)[1:-1, 1:-1]
    y, x = np.nonzero(depth >= depth.max() - 1e-3)
    peaks = np.stack([x, y], axis=1).astype(np.float64)
    return peaks[np.square(peaks - centroid).sum(axis=1).argmin()]


def principal_axes(offsets: np.ndarray) -> np.ndarray:
    """Returns the unit vectors of the major and the minor axis as rows, (2, 2), each pointing to larger x + y.

    Args:
        offsets: (P, 2) pixel positions relative to their centroid.
    """
    variances, vectors = np.linalg.eigh(offsets.T @ offsets / len(offsets))
    if variances[1] - variances[0] < ROUND * (variances[1] + variances[0]) or variances[1] == 0:
        return np.eye(2)
    axes = vectors.T[::-1]
    return np.where(axes.sum(axis=1, keepdims=True) < 0, -axes, axes)


def _axis_ends(offsets: np.ndarray, axis: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    along = offsets @ axis
    return along.min() * axis, along.max() * axis


def _into_lesion(point: np.ndarray, mask: np.ndarray, pixels: np.ndarray) -> np.ndarray:
    point = np.clip(point, 0, np.array(mask.shape[::-1]) - 1)
    if mask[tuple(np.rint(point[::-1]).astype(int))]:
        return point
    return pixels[np.square(pixels - point).sum(axis=1).argmin()]
