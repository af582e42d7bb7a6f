"""Reads ultrasound images and lesion masks of every kind that published sets hold, by stated rules.

The decoder is that of `ultraref.datasets.readers`; here is what data sets and converters need of it: one image or mask a file, from
bytes, so that a caller can hash and decode after reading once. Errors name the file.
"""

import hashlib
import io
from pathlib import Path

import cv2
import numpy as np

from ultraref.datasets.readers.base import ImageSource
from ultraref.datasets.readers.decoding import MAX_PIXELS
from ultraref.datasets.readers.mask_rule import to_mask
from ultraref.datasets.readers.open_source import source_of_stream
from ultraref.errors import MissingFileError, UserError

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".npy")


def decode_image(data: bytes, path: str | Path, bits: int | None = None, max_pixels: int = MAX_PIXELS) -> np.ndarray:
    """Decodes an ultrasound image to 8-bit grey, upright as EXIF's orientation says.

    Any format of `readers.open_source`, whatever the name says. `readers.grey.to_grey` states how colour, transparency and more than
    8 bits become 8-bit grey.

    Args:
        data: content of the file.
        path: its name, for messages.
        bits: depth of types of more than 8 bits; None takes the smallest of 8, 10, 12, 14 and 16 that holds the file's own maximum.
        max_pixels: limit on the image's pixels, checked before it is decoded.

    Returns:
        (H, W) uint8.

    Raises:
        ValueError: the content can't be decoded, or has several pages or frames.
    """
    with source_of_stream(io.BytesIO(data), path, max_pixels, bits) as source:
        _require_single(source, "image")
        return source.frame()


def decode_mask(data: bytes, path: str | Path, max_pixels: int = MAX_PIXELS) -> np.ndarray:
    """Decodes a lesion mask, upright as EXIF's orientation says, by the rule of `readers.mask_rule.to_mask`.

    Args:
        data: content of the file.
        path: its name, for messages.
        max_pixels: limit on the mask's pixels, checked before it is decoded.

    Returns:
        (H, W) uint8 in {0, 1}.

    Raises:
        ValueError: the content can't be decoded, has several pages or frames, or the rule doesn't decide.
    """
    with source_of_stream(io.BytesIO(data), path, max_pixels) as source:
        _require_single(source, "mask")
        return to_mask(source.values(), path)


def read_image(path: str | Path, bits: int | None = None) -> np.ndarray:
    """Reads an image file; see `decode_image`."""
    return decode_image(read_bytes(path), path, bits)


def read_mask(path: str | Path) -> np.ndarray:
    """Reads a mask file; see `decode_mask`."""
    return decode_mask(read_bytes(path), path)


def read_bytes(path: str | Path) -> bytes:
    """Returns the content of a file.

    Raises:
        FileNotFoundError: there is no such file; the message is its name.
    """
    try:
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError:
        raise MissingFileError(f"{path}: no such file") from None


def sha256_of_file(path: str | Path) -> str:
    """Returns the sha256 of a file of any size, as 64 hexadecimal digits."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def encode_png(array: np.ndarray) -> bytes:
    """Encodes (H, W) uint8 as a grey PNG, or (H, W, 3) uint8 in OpenCV's order BGR as a colour one."""
    done, data = cv2.imencode(".png", array)
    if not done:
        raise UserError(f"an array of shape {array.shape} and type {array.dtype} can't be written as PNG")
    return data.tobytes()


def encode_rgb_png(array: np.ndarray) -> bytes:
    """Encodes (H, W, 3) uint8 RGB as a PNG."""
    return encode_png(cv2.cvtColor(array, cv2.COLOR_RGB2BGR))


def _require_single(source: ImageSource, what: str) -> None:
    if source.num_frames > 1:
        raise UserError(
            f"{source.path}: has {source.num_frames} pages or frames, and nothing says which is the {what}; save it as a file of its own"
        )
