"""One image and its mask, from the published files to those of a converted set."""

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from ultraref.datasets.converters.raw_sample import RawSample
from ultraref.datasets.image_io import encode_png
from ultraref.datasets.likeness.perceptual_hash import perceptual_hashes
from ultraref.datasets.likeness.view import thumbnail
from ultraref.datasets.readers.mask_rule import looks_inverted
from ultraref.errors import UserError
from ultraref.names import check_name

# Height over width of a mask that is resized may differ from the image's by rounding to whole pixels, and no more.
_ROUNDING = 1.0


@dataclass(frozen=True)
class Prepared:
    """What is known of an image after its files have been written.

    Attributes:
        sample: where it comes from.
        category: its class.
        size: (height, width) in pixels.
        lesion_area: lesion pixels; 0 for an image without a lesion.
        components: 8-connected parts of the lesion.
        merged: whether several masks with a lesion were merged.
        inverted: whether lesion and background of the mask may have changed places (`mask_rule.looks_inverted`).
        resized: whether a mask was resized to the image's size.
        brightest: largest value of the image, of 255.
        contradictions: in what the set's table and the files disagree, in words, by the column's name.
        sha256: of the image's PNG.
        mask_sha256: of the mask's PNG.
        pixels: sha256 of size and pixels of image and mask.
        hashes: (4, 256) bool `perceptual_hashes` of the image.
        thumbnail: (SIDE, SIDE) uint8 `thumbnail` of it, to look for duplicates.
    """

    sample: RawSample
    category: str | None
    size: tuple[int, int]
    lesion_area: int
    components: int
    merged: bool
    inverted: bool
    resized: bool
    brightest: int
    contradictions: Mapping[str, str]
    sha256: str
    mask_sha256: str
    pixels: str
    hashes: np.ndarray
    thumbnail: np.ndarray

    @property
    def lesion_parts_per_million(self) -> int:
        """Lesion pixels per million pixels, rounded down."""
        return self.lesion_area * 10**6 // (self.size[0] * self.size[1])


def prepare(sample: RawSample, folder: Path, resize_masks: bool, bits: int | None = None) -> Prepared:
    """Writes FOLDER/images/NAME.png and FOLDER/masks/NAME.png.

    Args:
        sample: the files as found.
        folder: holds images/ and masks/.
        resize_masks: resizes a mask of another size, if its proportions are those of the image.
        bits: depth of images of more than 8 bits, see `image_io.decode_image`.

    Raises:
        ValueError: the name doesn't keep the rule of `ultraref.names`, a file can't be read, image and mask don't fit, or the spacing
            is none.
    """
    check_name(sample.name, f"{sample.image_path}: the name that its image gets,", "rename the file")
    _check_spacing(sample)
    image = sample.load_image(sample, bits)
    masks, category = sample.load_masks(sample)
    resized = any(mask.shape != image.shape for mask in masks)
    masks = [_fit(mask, image.shape, sample, resize_masks) for mask in masks]
    mask = np.maximum.reduce(masks)
    image_png, mask_png = encode_png(image), encode_png(mask * np.uint8(255))
    (folder / "images" / f"{sample.name}.png").write_bytes(image_png)
    (folder / "masks" / f"{sample.name}.png").write_bytes(mask_png)
    return Prepared(
        sample=sample,
        category=category,
        size=image.shape,
        lesion_area=int(np.count_nonzero(mask)),
        components=cv2.connectedComponents(mask, connectivity=8)[0] - 1,
        merged=sum(bool(part.any()) for part in masks) > 1,
        inverted=looks_inverted(mask),
        resized=resized,
        brightest=int(image.max()),
        contradictions={} if sample.stated is None else sample.stated.contradictions(mask),
        sha256=hashlib.sha256(image_png).hexdigest(),
        mask_sha256=hashlib.sha256(mask_png).hexdigest(),
        pixels=hashlib.sha256(f"{image.shape}".encode() + image.tobytes() + mask.tobytes()).hexdigest(),
        hashes=perceptual_hashes(image),
        thumbnail=thumbnail(image),
    )


def _check_spacing(sample: RawSample) -> None:
    spacing = sample.spacing
    if spacing is not None and not (len(spacing) == 2 and all(math.isfinite(value) and value > 0 for value in spacing)):
        raise UserError(f"{sample.image_path}: its spacing is {spacing}; it is two lengths in mm, (row, column)")


def _fit(mask: np.ndarray, shape: tuple[int, int], sample: RawSample, resize_masks: bool) -> np.ndarray:
    if mask.shape == shape:
        return mask
    files = ", ".join(map(str, sample.mask_paths)) or f"annotations of {sample.image_path}"
    found = (
        f"{files}: the mask is {mask.shape[0]} x {mask.shape[1]} (height x width), but the image "
        f"{sample.image_path} is {shape[0]} x {shape[1]}"
    )
    if not resize_masks:
        raise UserError(f"{found}; --resize-masks resizes the mask")
    # Either side of the smaller one is at most a pixel off what the larger one scales to.
    scale = min(max(shape) / max(mask.shape), 1.0)
    expected = np.array(shape) / max(shape) * max(mask.shape)
    if np.abs(expected - mask.shape).max() > _ROUNDING / scale:
        raise UserError(f"{found}: other proportions, so it is not of this image")
    # Area-weighted coverage of each pixel when shrinking, interpolated when growing; lesion from one half.
    interpolation = cv2.INTER_AREA if mask.shape[0] > shape[0] else cv2.INTER_LINEAR
    resized = cv2.resize(mask.astype(np.float32), shape[::-1], interpolation=interpolation)
    return (resized >= 0.5).astype(np.uint8)
