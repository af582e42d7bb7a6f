"""NumPy's .npy: an image, or frames. Its header is read and checked before memory is taken, and nothing is ever unpickled."""

import math
import os
from pathlib import Path
from typing import BinaryIO

import numpy as np

from ultraref.datasets.readers.base import ImageSource
from ultraref.datasets.readers.decoding import check_size, decoding
from ultraref.errors import UserError

MAGIC = b"\x93NUMPY"
_SHAPES = (
    "(height, width), (height, width, 3), or (frames, height, width) with sides over 4 and other than 3 or 4 frames"
)


def read_header(stream: BinaryIO, path: str | Path) -> tuple[tuple[int, ...], bool, np.dtype]:
    """Reads the header of a .npy stream, which then stands at the values.

    Returns:
        Shape, whether the order is Fortran's, and type.

    Raises:
        UserError: there is no such header, or it is of objects, records, complex numbers or text.
    """
    with decoding(path, "NumPy array"):
        version = np.lib.format.read_magic(stream)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, fortran, dtype = read(stream)
    if dtype.hasobject:
        raise UserError(f"{path}: holds pickled Python objects, which are never loaded; save an array of numbers")
    if dtype.kind not in "buif":
        raise UserError(f"{path}: an image or mask is bool, integers or floats, but this array is {dtype}")
    return shape, fortran, dtype


class NpySource(ImageSource):
    """A .npy file: (H, W); (H, W, C) with C = 1, 3 or 4; or frames (N, H, W) where that can't be taken for another.

    (3, H, W) and (4, H, W) may be channels or frames, so they are refused.

    Args:
        stream, path, bits: see `ImageSource`.
        max_pixels: limit on the pixels of a frame.

    Raises:
        UserError: another kind of array, or a file that is cut off.
    """

    spacing_note = ".npy states no pixel spacing"

    def __init__(self, stream: BinaryIO, path: str | Path, max_pixels: int, bits: int | None = None):
        super().__init__(stream, path, bits)
        stream.seek(0)
        shape, self._fortran, self._dtype = read_header(stream, path)
        self.depth_unknown = self._dtype.kind in "iu" and self._dtype.itemsize > 1
        self._shape, self._start = shape, stream.tell()
        if len(shape) == 2 or (len(shape) == 3 and shape[2] in (1, 3, 4)):
            self._frame_shape = shape
        elif len(shape) == 3 and (min(shape[1:]) > 4 or 0 in shape) and shape[0] not in (3, 4):
            self.num_frames, self._frame_shape = shape[0], shape[1:]
        else:
            raise UserError(f"{path}: an image array is {_SHAPES}, but this one is {shape}")
        check_size(path, *self._frame_shape[:2], max_pixels)
        if self.num_frames < 1:
            raise UserError(f"{path}: the array is empty, shape {shape}")
        wanted = math.prod(shape) * self._dtype.itemsize
        there = stream.seek(0, os.SEEK_END) - self._start
        if there < wanted:
            raise UserError(f"{path}: is cut off: {shape} {self._dtype} takes {wanted} bytes, but {there} are there")

    def values(self, index: int = 0) -> np.ndarray:
        whole = self._fortran and self.num_frames > 1  # there a frame isn't one piece of the file
        shape = self._shape if whole else self._frame_shape
        size = math.prod(shape) * self._dtype.itemsize
        with decoding(self.path, "NumPy array"):
            self._stream.seek(self._start + (0 if whole else index * size))
            flat = np.frombuffer(self._stream.read(size), self._dtype)
            array = flat.reshape(shape, order="F" if self._fortran else "C")
        array = array[index] if whole else array
        # A copy that can be written to, in the machine's byte order.
        return np.array(array, dtype=self._dtype.newbyteorder("="), order="C")
