"""PNG, JPEG, BMP and TIFF, by Pillow, each by its own plug-in: what else Pillow reads (Ghostscript's formats, say) is never tried."""

import os
import struct
from pathlib import Path
from typing import BinaryIO

import cv2
import numpy as np
from PIL.BmpImagePlugin import BmpImageFile
from PIL.Image import Image
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile

from ultraref.datasets.readers.base import ImageSource
from ultraref.datasets.readers.decoding import check_size, decoding
from ultraref.datasets.readers.orientation import ORIENTATION_TAG, turn_upright
from ultraref.errors import UserError

# The classes, not Image.open: its limit on pixels is a global, and an image over half of it is also a warning.
_PLUGINS = {"PNG": PngImageFile, "JPEG": JpegImageFile, "BMP": BmpImageFile, "TIFF": TiffImageFile}
_AS_STORED = ("1", "L", "RGB", "RGBA", "I;16", "I;16B", "I", "F")
_PNG_GREY = 0
_BITS_PER_SAMPLE, _PHOTOMETRIC, _WHITE_IS_ZERO = 258, 262, 0


class RasterSource(ImageSource):
    """A PNG, JPEG, BMP or TIFF file. The pages of a TIFF are frames.

    Palettes are looked up, and CMYK and other colour spaces become RGB.

    Args:
        stream, path, bits: see `ImageSource`.
        kind: "PNG", "JPEG", "BMP" or "TIFF".
        max_pixels: limit on the pixels of a frame, checked by the header.

    Raises:
        UserError: the header can't be read, the image is too large, or it is an animated PNG.
    """

    spacing_note = "the file states no pixel spacing that is certain"

    def __init__(self, stream: BinaryIO, path: str | Path, kind: str, max_pixels: int, bits: int | None = None):
        super().__init__(stream, path, bits)
        self._kind, self._max_pixels = kind, max_pixels
        self._turns: dict[int, int] = {}
        with decoding(path, kind):
            if kind == "PNG":
                _check_png_chunks(stream)
            stream.seek(0)
            self._image = _PLUGINS[kind](stream)
            self._check_page()
            self._first_size = (self._image.height, self._image.width)
            frames = getattr(self._image, "n_frames", 1)
        self.depth_unknown = self._image.mode.startswith("I") or self._is_16_bit_colour_png()
        if kind == "TIFF":
            self.num_frames = frames
        elif frames > 1:
            raise UserError(f"{path}: is an animated PNG of {frames} frames; save each frame as a file")

    @property
    def exif_orientation(self) -> int:
        """EXIF's tag, or XMP's where there is no EXIF. In a PNG it may stand behind the pixels, which are decoded then."""
        with decoding(self.path, self._kind):
            return self._turn(0)

    @property
    def stored_size(self) -> tuple[int, int]:
        """By the header."""
        return self._first_size

    def values(self, index: int = 0) -> np.ndarray:
        with decoding(self.path, self._kind):
            turn = self._turn(index)
            if turn != self._turn(0):
                raise UserError(f"{self.path}: page {index} has EXIF orientation {turn}, but page 0 {self._turn(0)}")
            self._go_to(index)
            self._image.load()
            # Pillow turns a TIFF upright when it loads it.
            return self._stored_values() if self._kind == "TIFF" else turn_upright(self._stored_values(), turn)

    def palette_indices(self) -> np.ndarray | None:
        """Returns the numbers of the palette's entries, (H, W) uint8 upright, where the first frame uses a palette in colour.

        `values` looks the palette up; numbers are what programs that draw label maps mean by it.

        Raises:
            UserError: the frame can't be decoded.
        """
        with decoding(self.path, self._kind):
            self._go_to(0)
            if self._image.mode != "P":
                return None
            turn = self._turn(0)
            self._image.load()
            indices = np.array(self._image)
            used = np.array(self._image.getpalette("RGB")).reshape(-1, 3)[np.unique(indices)]
            if (used == used[:, :1]).all():
                return None
            return indices if self._kind == "TIFF" else turn_upright(indices, turn)

    def close(self) -> None:
        self._image.close()
        super().close()

    def _turn(self, index: int) -> int:
        if index not in self._turns:
            self._go_to(index)
            found = self._image.getexif().get(ORIENTATION_TAG, 1)
            # Viewers take no notice of values that EXIF doesn't define; 0 is common.
            self._turns[index] = found if found in range(1, 9) else 1
        return self._turns[index]

    def _go_to(self, index: int) -> None:
        if self._kind == "TIFF" and index != self._image.tell():
            self._image.seek(index)
            self._check_page()

    def _check_page(self) -> None:
        width, height = self._image.size
        check_size(self.path, height, width, self._max_pixels)
        tags = getattr(self._image, "tag_v2", {})
        if self._image.mode.startswith("RGB") and max(tags.get(_BITS_PER_SAMPLE, (8,))) > 8:
            raise UserError(
                f"{self.path}: is a TIFF with more than 8 bits a colour, which would be cut to 8; save it as grey, or as PNG"
            )

    def _stored_values(self) -> np.ndarray:
        if self._is_16_bit_colour_png():
            return self._values_of_16_bit_png()
        array = np.array(_in_kept_mode(self._image))
        if array.dtype.byteorder == ">":
            array = array.astype(array.dtype.newbyteorder("="))
        tags = getattr(self._image, "tag_v2", {})
        if array.dtype == np.uint16 and tags.get(_PHOTOMETRIC) == _WHITE_IS_ZERO:
            # Pillow inverts up to 8 bits.
            array = np.uint16(2 ** tags[_BITS_PER_SAMPLE][0] - 1) - array
        return array

    def _is_16_bit_colour_png(self) -> bool:
        if self._kind != "PNG":
            return False
        here = self._stream.tell()
        self._stream.seek(24)
        depth, colour = self._stream.read(2)
        self._stream.seek(here)
        return depth == 16 and colour != _PNG_GREY

    def _values_of_16_bit_png(self) -> np.ndarray:
        # Pillow cuts 16-bit colour to 8 bits. OpenCV doesn't, but it turns a damaged file into a partly black image, so Pillow
        # has loaded the file first.
        self._stream.seek(0)
        array = cv2.imdecode(np.frombuffer(self._stream.read(), np.uint8), cv2.IMREAD_UNCHANGED)
        if array.ndim == 3:
            array = cv2.cvtColor(array, cv2.COLOR_BGR2RGB if array.shape[2] == 3 else cv2.COLOR_BGRA2RGBA)
        return array


def _check_png_chunks(stream: BinaryIO) -> None:
    """Refuses chunks that are longer than the file: Pillow and OpenCV take memory for whatever length one claims."""
    size, at, kind = stream.seek(0, os.SEEK_END), 8, b""
    while at < size and kind != b"IEND":
        stream.seek(at)
        length, kind = struct.unpack(">I4s", stream.read(8))
        at += 12 + length
        if at > size:
            raise ValueError(f"the chunk {kind.decode('ascii', 'replace')} is cut off")


def _in_kept_mode(image: Image) -> Image:
    if image.mode in ("P", "PA"):
        return image.convert("RGBA" if "transparency" in image.info or image.mode == "PA" else "RGB")
    if image.mode in ("LA", "La", "RGBa"):
        return image.convert("RGBA")
    return image if image.mode in _AS_STORED else image.convert("RGB")
