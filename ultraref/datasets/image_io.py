"""Reads ultrasound images and lesion masks of every kind that published sets hold, by stated rules.

Both readers take the file's bytes, so that a caller can hash and decode after reading once. Errors name the file.
"""

import hashlib
import io
import zlib
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from ultraref.errors import MissingFileError, UserError

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".npy")
# Mask values below the first share of the maximum are background, above the second lesion; between is anti-aliasing.
_SURE_BACKGROUND, _SURE_LESION = 0.25, 0.75
# How far from the outline, in pixels, anti-aliased values may lie.
_EDGE_WIDTH = 3


def decode_image(data: bytes, path: str | Path) -> np.ndarray:
    """Decodes an ultrasound image to 8-bit grey.

    Colour becomes ITU-R 601 luma; transparency is dropped, as what lies under it is the image in the published sets; a
    palette is looked up first. Values above 8 bits are scaled so that the smallest of 10, 12, 14 and 16 bits that holds
    the file's maximum becomes 255; a 16-bit file whose maximum is at most 255 is taken as it is. A `.npy` file (never
    unpickled) holds integers, by the same rule, or floats in [0, 1].

    Args:
        data: content of the file.
        path: its name, for messages and to tell `.npy`.

    Returns:
        (H, W) uint8.

    Raises:
        ValueError: the content can't be decoded, or isn't one of the kinds above.
    """
    array = _decode(data, path)
    if array.dtype == bool:
        array = array.astype(np.uint8) * np.uint8(255)
    if array.ndim == 3:
        array = _drop_alpha(array, path)
    if array.dtype != np.uint8:
        array = _to_8_bit(array, path)
    return array if array.ndim == 2 else cv2.cvtColor(array, cv2.COLOR_RGB2GRAY)


def decode_mask(data: bytes, path: str | Path) -> np.ndarray:
    """Decodes a lesion mask.

    The rule: colours and palettes are reduced to their brightest channel (any colour on black is lesion, so a coloured
    mask of several classes gives their union), transparent pixels are black, and a mask that is drawn in the alpha
    channel alone is read from there. Then
    - only 0: no lesion; two values of which one is 0: the other is lesion; only 1 or only the type's maximum: all
      lesion;
    - anything else (anti-aliased, resized, JPEG-compressed): lesion is what reaches half the maximum, provided that the
      maximum is at least half of the type's range, the minimum at most a quarter of the maximum, and that values
      between a quarter and three quarters of it lie within 3 pixels of the outline. Otherwise it is an image, a
      probability or a label map, which is refused.

    Args:
        data: content of the file.
        path: its name, for messages and to tell `.npy`.

    Returns:
        (H, W) uint8 in {0, 1}.

    Raises:
        ValueError: the content can't be decoded, or the rule doesn't decide.
    """
    array = _decode(data, path)
    if array.ndim == 3:
        array = _reduce_colour(array, path)
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
    return _threshold_antialiased(array, low, high, full, path)


def read_image(path: str | Path) -> np.ndarray:
    """Reads an image file; see `decode_image`."""
    return decode_image(read_bytes(path), path)


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


def _decode(data: bytes, path: str | Path) -> np.ndarray:
    """Returns (H, W) or (H, W, channels), channels in the order RGB(A), of the type that the file stores."""
    if str(path).lower().endswith(".npy"):
        return _decode_npy(data, path)
    if data[:8] == b"\x89PNG\r\n\x1a\n" and data[24:25] == b"\x10":
        # Pillow cuts 16-bit colour to 8 bits. OpenCV doesn't, but it turns a damaged file into a partly black image, so
        # Pillow checks the file first.
        _with_pillow(data, path)
        array = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
        if array.ndim == 3:
            array = cv2.cvtColor(array, cv2.COLOR_BGR2RGB if array.shape[2] == 3 else cv2.COLOR_BGRA2RGBA)
        return array
    # A copy, as the array that Pillow lends is read-only.
    return np.array(_with_pillow(data, path))


def _with_pillow(data: bytes, path: str | Path) -> Image.Image:
    try:
        with Image.open(io.BytesIO(data)) as image:
            image.load()
            if image.mode == "P" or image.mode == "PA":
                return image.convert("RGBA" if "transparency" in image.info or image.mode == "PA" else "RGB")
            if image.mode == "LA":
                return image.convert("RGBA")
            if image.mode not in ("1", "L", "RGB", "RGBA", "I;16", "I;16B", "I", "F"):
                return image.convert("RGB")
            return image.copy()
    except (OSError, SyntaxError, ValueError, EOFError, zlib.error, Image.DecompressionBombError) as error:
        raise UserError(f"{path}: can't be read as an image ({error})") from error


def _decode_npy(data: bytes, path: str | Path) -> np.ndarray:
    try:
        array = np.load(io.BytesIO(data), allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise UserError(f"{path}: can't be read as an array ({error})") from error
    if array.ndim not in (2, 3) or array.dtype.kind not in "buif" or array.size == 0:
        raise UserError(f"{path}: an image is (H, W) or (H, W, 3) numbers, but this is {array.dtype} {array.shape}")
    return array


def _drop_alpha(array: np.ndarray, path: str | Path) -> np.ndarray:
    channels = array.shape[2]
    if channels == 1:
        return array[:, :, 0]
    if channels not in (3, 4):
        raise UserError(f"{path}: an image has 1, 3 or 4 channels, but this one has {channels} (shape {array.shape})")
    return array[:, :, :3]


def _to_8_bit(array: np.ndarray, path: str | Path) -> np.ndarray:
    low, high = float(array.min()), float(array.max())
    if array.dtype.kind == "f":
        if not (low >= 0 and high <= 1):  # also false for NaN
            raise UserError(f"{path}: an image of floats lies in [0, 1], but this one has {low:g} to {high:g}")
        return np.rint(array * 255).astype(np.uint8)
    bits = next((bits for bits in (8, 10, 12, 14, 16) if high < 2**bits), None)
    if low < 0 or bits is None:
        raise UserError(f"{path}: an image has 0 to 65535, but this one has {low:g} to {high:g}")
    return np.rint(array.astype(np.float32) * (255 / (2**bits - 1))).astype(np.uint8)


def _reduce_colour(array: np.ndarray, path: str | Path) -> np.ndarray:
    """Returns the brightest channel of (H, W, C), transparent pixels being 0."""
    colour = _drop_alpha(array, path)
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


def _threshold_antialiased(array: np.ndarray, low: float, high: float, full: float, path: str | Path) -> np.ndarray:
    hint = "save it with 0 for background and one other value for the lesion"
    if high < 0.5 * full or low > _SURE_BACKGROUND * high:
        raise UserError(f"{path}: values {low:g} to {high:g} don't tell lesion from background; {hint}")
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
