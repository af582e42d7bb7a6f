"""Masks as PNG files that lie on the image they belong to."""

import io

import numpy as np
from PIL import Image

from ultraref.datasets.readers.orientation import ORIENTATION_TAG
from ultraref.errors import UserError


def encode_mask_png(mask: np.ndarray, exif_orientation: int = 1) -> bytes:
    """Encodes a mask as a grey PNG.

    Args:
        mask: (H, W) uint8 in {0, 255}, in the pixel order of the image's file (`ImageSource.to_stored`).
        exif_orientation: the image's, 1 to 8; where it isn't 1 the PNG carries it in an eXIf chunk.

    Raises:
        UserError: the array is no such mask.
    """
    if mask.ndim != 2 or mask.dtype != np.uint8 or ((mask != 0) & (mask != 255)).any():
        raise UserError(
            f"a mask is written from (height, width) uint8 of 0 and 255, but this is {mask.dtype} {mask.shape}"
        )
    return encode_grey_png(mask, exif_orientation)


def encode_grey_png(array: np.ndarray, exif_orientation: int = 1) -> bytes:
    """Encodes a map, (H, W) uint8, as `encode_mask_png` does a mask."""
    options = {}
    if exif_orientation != 1:
        exif = Image.Exif()
        exif[ORIENTATION_TAG] = exif_orientation
        options["exif"] = exif
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(array)).save(buffer, "PNG", **options)
    return buffer.getvalue()
