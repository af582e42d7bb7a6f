"""From values as files store them to a lesion mask, by one rule."""

from pathlib import Path

import cv2
import numpy as np

from ultraref.datasets.readers.grey import drop_alpha
from ultraref.errors import UserError

# Mask values below the first share of the maximum are background, above the second lesion; between is anti-aliasing.
_SURE_BACKGROUND, _SURE_LESION = 0.25, 0.75
# How far from the outline, in pixels, anti-aliased values may lie.
_EDGE_WIDTH = 3
# A mask of at most so many values is a label map if a value beside 0 and the maximum is frequent: it has at least this share of the
# pixels that would count as lesion.
_FEW_VALUES, _FREQUENT = 8, 0.25
# Or if it fills a square of so many pixels, however rare it is: a small lesion (1) beside a large void region (255).
_SOLID = 3
# Values that are listed in a message.
_LISTED = 8


def to_mask(array: np.ndarray, path: str | Path) -> np.ndarray:
    """Returns a lesion mask.

    The rule: colours and palettes are reduced to their brightest channel (any colour on black is lesion, so a coloured
    mask of several classes gives their union), transparent pixels are black, and a mask that is drawn in the alpha
    channel alone is read from there. Then
    - only 0: no lesion; two values of which one is 0: the other is lesion; only 1 or only the type's maximum: all
      lesion;
    - few values of which a third one is frequent or fills a square of 3 pixels, as 0, 1, 255 (void) or 0, 127, 254: a label map, which
      is refused;
    - anything else (anti-aliased, resized, JPEG-compressed): lesion is what reaches half the maximum, provided that the
      maximum is at least half of the type's range, the minimum at most a quarter of the maximum, and that values
      between a quarter and three quarters of it lie within 3 pixels of the outline. Otherwise it is an image, a
      probability or a label map, which is refused.

    Args:
        array: (H, W) or (H, W, C), C = 1, 3 (RGB) or 4 (RGBA); bool, integers or floats.
        path: for messages.

    Returns:
        (H, W) uint8 in {0, 1}.

    Raises:
        UserError: the rule doesn't decide.
    """
    if array.ndim == 3:
        array = reduce_colour(array, path)
    if array.dtype == bool:
        return array.astype(np.uint8)
    full = 1.0 if array.dtype.kind == "f" else float(np.iinfo(array.dtype).max)
    low, high = float(array.min()), float(array.max())
    if not np.isfinite([low, high]).all() or low < 0:
        raise UserError(f"{path}: a mask holds values from 0 up, but this one has {low:g} to {high:g}")
    if low == high:
        if high not in (0, 1, full):
            raise UserError(f"{path}: every pixel is {high:g}, which doesn't tell lesion from background")
        return np.full(array.shape, high > 0, np.uint8)
    if low == 0 and not ((array != 0) & (array != high)).any():
        return (array != 0).astype(np.uint8)
    _refuse_label_map(array, high, path)
    return _threshold_antialiased(array, low, high, full, path)


def looks_inverted(mask: np.ndarray) -> bool:
    """Whether lesion and background may have changed places: over 90 % is lesion, and so is the whole border.

    Args:
        mask: (H, W) uint8 in {0, 1}.
    """
    border = (mask[0], mask[-1], mask[:, 0], mask[:, -1])
    return bool(mask.mean() > 0.9 and all(side.all() for side in border))


def reduce_colour(array: np.ndarray, path: str | Path) -> np.ndarray:
    """Returns the brightest channel of (H, W, C), transparent pixels being 0."""
    colour = drop_alpha(array, path)
    if colour.ndim == 3:
        # Channel by channel: NumPy's max over a last axis of 3 is ten times slower.
        colour = np.maximum(np.maximum(colour[:, :, 0], colour[:, :, 1]), colour[:, :, 2])
    if array.shape[2] == 4:
        alpha = array[:, :, 3]
        if alpha.min() == alpha.max():
            return colour
        if colour.min() == colour.max():
            return alpha
        return np.where(alpha > alpha.max() // 2, colour, 0).astype(colour.dtype)
    return colour


def _refuse_label_map(array: np.ndarray, high: float, path: str | Path) -> None:
    values, counts = np.unique(array, return_counts=True)
    if len(values) > _FEW_VALUES:
        return
    near_background = (values > 0) & (values <= 0.1 * high)
    near_lesion = (values >= 0.9 * high) & (values < high)
    if near_background.any() and near_lesion.any():
        return  # the noise of JPEG compression, on both sides of the outline
    lesion = counts[values >= 0.5 * high].sum()
    beside = (values > 0) & (values < high) & ((values <= _SURE_BACKGROUND * high) | (values >= _SURE_LESION * high))
    kernel = np.ones((_SOLID, _SOLID), np.uint8)
    if any(
        count >= _FREQUENT * lesion or cv2.erode((array == value).astype(np.uint8), kernel).any()
        for value, count in zip(values[beside], counts[beside])
    ):
        raise UserError(
            f"{path}: is a label map, as its values and their pixels are {_listed(values, counts)} (0, 1, 255 is often background, "
            "lesion, void); save it with 0 for background and one other value for the lesion"
        )


def _threshold_antialiased(array: np.ndarray, low: float, high: float, full: float, path: str | Path) -> np.ndarray:
    hint = "save it with 0 for background and one other value for the lesion"
    if high < 0.5 * full or low > _SURE_BACKGROUND * high:
        values, counts = np.unique(array, return_counts=True)
        raise UserError(
            f"{path}: values {low:g} to {high:g} don't tell lesion from background ({_listed(values, counts)}); {hint}"
        )
    mask = (array >= 0.5 * high).astype(np.uint8)
    unsure = (array > _SURE_BACKGROUND * high) & (array < _SURE_LESION * high)
    kernel = np.ones((2 * _EDGE_WIDTH + 1, 2 * _EDGE_WIDTH + 1), np.uint8)
    edge = cv2.dilate(mask, kernel) != cv2.erode(mask, kernel)
    stray = int((unsure & ~edge).sum())
    if stray:
        raise UserError(
            f"{path}: {stray} pixels lie between background and lesion (over {_SURE_BACKGROUND * high:g}, below "
            f"{_SURE_LESION * high:g}) and over {_EDGE_WIDTH} px from the outline, as in a label map or a "
            f"probability; {hint}"
        )
    return mask


def _listed(values: np.ndarray, counts: np.ndarray) -> str:
    most = np.sort(np.argsort(counts)[::-1][:_LISTED])
    text = ", ".join(f"{values[i]:g}: {counts[i]}" for i in most)
    return text if len(values) <= _LISTED else f"{text} and {len(values) - _LISTED} more values"
