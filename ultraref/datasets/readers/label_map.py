"""Masks as maps of labels: which values or colours a file holds, and where."""

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np

from ultraref.datasets.readers.mask_rule import reduce_colour, to_mask
from ultraref.datasets.readers.open_source import open_source
from ultraref.datasets.readers.raster import RasterSource
from ultraref.errors import UserError

# A file of more values or colours holds shades, not labels.
MAX_LABELS = 64
# Colours darker than this share of the brightest one are shades, and so are those that differ by less than this in every channel once
# equally bright: by rounding where there are few colours, by what JPEG does to them where there are many.
_DARK, _SAME_HUE, _SAME_HUE_OF_MANY = 0.25, 0.08, 0.4
# Where there are more colours than labels, one of another hue counts if it fills a square of so many pixels: less is what JPEG and
# smoothing leave along an outline.
_CORE = 5


@dataclass(frozen=True)
class LabelMap:
    """A mask file, or one frame of it.

    Attributes:
        path: the file, for messages.
        values: (H, W) grey, or (H, W, 3) RGB, upright; transparent pixels are black.
        indices: (H, W) uint8 numbers of a coloured palette's entries; None where there is no such palette.
    """

    path: Path
    values: np.ndarray
    indices: np.ndarray | None = None

    @property
    def is_colour(self) -> bool:
        return self.values.ndim == 3

    @cached_property
    def codes(self) -> np.ndarray:
        """(H, W) integers: the grey value, or 0xRRGGBB."""
        if not self.is_colour:
            return self.values
        red, green, blue = (self.values[:, :, channel].astype(np.int32) for channel in range(3))
        return (red << 16) + (green << 8) + blue

    @cached_property
    def brightness(self) -> np.ndarray:
        """(H, W): the brightest channel."""
        # Channel by channel: NumPy's max over a last axis of 3 is ten times slower.
        return np.maximum(np.maximum(self.values[:, :, 0], self.values[:, :, 1]), self.values[:, :, 2])

    @cached_property
    def counts(self) -> dict[str, int] | None:
        """Pixels by label, in the order of their codes, background (0, black) left out; None for shades: more than 64, or floats.

        A label is a number in decimal, or a colour such as "#ff0000".
        """
        if self.values.dtype.kind not in "bui":
            return None
        found = _few_counts(self.codes)
        return None if found is None else {self.label(code): count for code, count in sorted(found.items()) if code}

    @property
    def labels(self) -> list[str]:
        """The labels that occur, in the order of `counts`.

        Raises:
            UserError: the file holds shades.
        """
        self._refuse_shades()
        return list(self.counts)

    def label(self, code: int) -> str:
        """Returns the label of a code."""
        return f"#{code:06x}" if self.is_colour else str(int(code))

    def is_label(self, labels: Collection[str]) -> np.ndarray:
        """Returns (H, W) uint8 in {0, 1}: where one of the labels is. A number names a palette's entry, too.

        Raises:
            UserError: the file holds shades.
        """
        self._refuse_shades()
        found = np.zeros(self.codes.shape, bool)
        for label in labels:
            if label.startswith("#"):
                if self.is_colour:
                    found |= self.codes == int(label[1:], 16)
            elif self.indices is not None:
                found |= self.indices == int(label)
            elif not self.is_colour:
                found |= self.codes == int(label)
        return found.astype(np.uint8)

    def entries(self) -> dict[str, str]:
        """Returns, for a coloured palette, the colour's label by its number in the palette, as a label; otherwise nothing."""
        if self.indices is None:
            return {}
        numbers, first = np.unique(self.indices, return_index=True)
        return {str(number): self.label(self.codes.flat[place]) for number, place in zip(numbers, first)}

    def lesion(self) -> np.ndarray:
        """Returns the mask of a file that marks one thing: by `mask_rule.to_mask`, on the brightest channel of a single colour.

        Returns:
            (H, W) uint8 in {0, 1}.

        Raises:
            UserError: there are colours of several hues, or the rule doesn't decide.
        """
        if not self.is_colour:
            return to_mask(self.values, self.path)
        hues = self._hues()
        if len(hues) > 1:
            raise UserError(
                f"{self.path}: marks with several colours, {', '.join(hues)}, so that it is not one lesion; as PNG without smoothing its classes could be chosen"
            )
        return to_mask(self.brightness, self.path)

    def _refuse_shades(self) -> None:
        if self.counts is not None:
            return
        if self.values.dtype.kind == "f":
            raise UserError(
                f"{self.path}: has broken values, {self.values.min():g} to {self.values.max():g}; a label map holds whole numbers, 0 for "
                "background"
            )
        codes = np.unique(self.codes)
        found, background, one = "different colours", "black", "colour"
        if not self.is_colour:
            found, background, one = f"different values, {codes[0]} to {codes[-1]}", "0", "whole number"
        raise UserError(
            f"{self.path}: has {len(codes)} {found}, which are more than {MAX_LABELS} labels, as smoothing and JPEG leave them, so that "
            f"classes can't be told apart exactly; save it without smoothing, as PNG for instance, with {background} for background and "
            f"a {one} for each class"
        )

    def _hues(self) -> list[str]:
        """Returns the labels of a colour of each hue, most frequent first; shades of one colour are one hue."""
        codes, counts = self._bright_codes()
        alike = _SAME_HUE_OF_MANY if self.counts is None else _SAME_HUE
        found: list[tuple[np.ndarray, int]] = []
        for code in codes[np.argsort(-counts, kind="stable")][: 4 * MAX_LABELS]:
            colour = np.array([code >> 16, code >> 8 & 255, code & 255], float)
            colour /= colour.max()
            if all(np.abs(colour - other).max() >= alike for other, _ in found):
                found.append((colour, int(code)))
        if self.counts is None and len(found) > 1:
            bright = self.brightness >= _DARK * self.brightness.max()
            scaled = self.values / np.maximum(self.brightness, 1)[:, :, None]
            near = [np.abs(scaled - colour).max(2) < alike / 2 for colour, _ in found]
            kernel = np.ones((_CORE, _CORE), np.uint8)
            solid = [cv2.erode((one & bright).astype(np.uint8), kernel).any() for one in near]
            found = [one for place, (one, is_solid) in enumerate(zip(found, solid)) if place == 0 or is_solid]
        return [f"#{code:06x}" for _, code in found]

    def _bright_codes(self) -> tuple[np.ndarray, np.ndarray]:
        """Returns the colours that are no dark shades, and their pixels."""
        if self.counts is None:
            codes, counts = np.unique(self.codes[self.brightness > 0], return_counts=True)
        else:
            codes = np.array([int(label[1:], 16) for label in self.counts], np.int64)
            counts = np.array(list(self.counts.values()), np.int64)
        brightness = np.maximum(np.maximum(codes >> 16, codes >> 8 & 255), codes & 255)
        bright = brightness >= _DARK * brightness.max(initial=1)
        return codes[bright], counts[bright]


def read_label_map(path: str | Path) -> LabelMap:
    """Reads a mask file, upright as EXIF's orientation says.

    Raises:
        UserError: it can't be read, has several pages or frames, or colours of more than 8 bits.
    """
    with open_source(path) as source:
        if source.num_frames > 1:
            raise UserError(
                f"{path}: has {source.num_frames} pages or frames, and nothing says which is the mask; save it as a file of its own"
            )
        indices = source.palette_indices() if isinstance(source, RasterSource) else None
        values = source.values()
    colour = values if values.ndim == 2 else _opaque_colour(values, path)
    if colour.ndim == 2:
        return LabelMap(Path(path), _as_integers(colour))
    if colour.dtype == np.uint16:
        if (colour % 257).any():
            raise UserError(f"{path}: has colours of 16 bits a channel; save it with 8, or as grey")
        colour = (colour // 257).astype(np.uint8)
    if colour.dtype != np.uint8:
        raise UserError(f"{path}: a mask in colour is of 8 bits a channel, but this one is {colour.dtype}")
    return LabelMap(Path(path), colour, indices)


def grey_label_map(values: np.ndarray, path: str | Path) -> LabelMap:
    """Takes the values of a frame for classes, as segmentation programs write them: grey, from 0 up, and no palette or transparency.

    Args:
        values: (H, W) bool or integers, or floats of which all are 0 or 1.
        path: for messages.

    Raises:
        UserError: they are in colour or negative.
    """
    if values.ndim != 2:
        raise UserError(
            f"{path}: is in colour (shape {values.shape}); a label map is grey, a whole number for each class"
        )
    values = _as_integers(values)
    if values.dtype.kind in "iu" and values.min() < 0:
        raise UserError(f"{path}: has negative values, down to {values.min()}; a label map holds 0 for background")
    return LabelMap(Path(path), values)


def _as_integers(values: np.ndarray) -> np.ndarray:
    """Returns truth values, and floats of which all are 0 or 1, as uint8, and other values as they are."""
    is_binary = values.dtype == bool or (values.dtype.kind == "f" and ((values == 0) | (values == 1)).all())
    return values.astype(np.uint8) if is_binary else values


def _opaque_colour(values: np.ndarray, path: str | Path) -> np.ndarray:
    """Returns (H, W) where the channels are equal or alpha alone tells, else (H, W, 3); transparent pixels are 0."""
    colour = values[:, :, :3]
    if values.shape[2] == 1 or ((colour[:, :, 0] == colour[:, :, 1]) & (colour[:, :, 0] == colour[:, :, 2])).all():
        return reduce_colour(values, path)
    if values.shape[2] == 4:
        alpha = values[:, :, 3]
        if alpha.min() != alpha.max():
            if (colour == colour[:1, :1]).all():
                return alpha
            return np.where((alpha > alpha.max() // 2)[:, :, None], colour, 0).astype(colour.dtype)
    return colour


def _few_counts(codes: np.ndarray) -> dict[int, int] | None:
    """Returns pixels by code, or None where there are more than 64 beside 0."""
    if codes.dtype in (np.uint8, np.uint16, bool):
        counts = np.bincount(codes.ravel())
        present = np.flatnonzero(counts)
        found = {int(code): int(counts[code]) for code in present}
    else:
        found, left = {}, codes.ravel()
        # Labels are few, so that this is faster than sorting all pixels.
        while left.size and len(found) <= MAX_LABELS + 1:
            same = left == left[0]
            found[int(left[0])] = int(same.sum())
            left = left[~same]
    return None if len(found) - (0 in found) > MAX_LABELS else found
