"""2-D NIfTI, by nibabel.

The first axis runs along the columns from left to right, the second along the rows from the top. The affine's directions are not
applied: a 2-D ultrasound picture has no place in the patient that anyone recorded, and programs that convert the same picture write
other directions (ITK -1, -1, nibabel's examples +1, +1) in front of the same order of pixels, which is the one that ITK,
SimpleITK and nnU-Net hand on.
"""

import gzip
import math
import zlib
from pathlib import Path
from typing import BinaryIO

import numpy as np

from ultraref.datasets.readers.base import ImageSource
from ultraref.datasets.readers.decoding import check_size, decoding
from ultraref.errors import MissingLibraryError, UserError

HEADER_SIZE = 352
GZIP_MAGIC = b"\x1f\x8b"
_MILLIMETRES = {"meter": 1000.0, "micron": 0.001}


def import_nibabel():
    """Returns the module.

    Raises:
        MissingLibraryError: it isn't installed; names the extra.
    """
    try:
        import nibabel
    except ImportError as error:
        raise MissingLibraryError(f"NIfTI files need nibabel ({error}): pip install 'ultraref[dicom]'") from error
    return nibabel


def is_nifti(head: bytes) -> bool:
    """Whether the first `HEADER_SIZE` bytes of a file are those of NIfTI-1 or NIfTI-2, image and header in one file or two."""
    return head[344:348] in (b"n+1\0", b"ni1\0") or head[4:8] in (b"n+2\0", b"ni2\0")


def unpacked_head(stream: BinaryIO) -> bytes:
    """Returns the first `HEADER_SIZE` bytes of a gzip stream's content, or what there is of them."""
    stream.seek(0)
    try:
        return gzip.GzipFile(fileobj=stream).read(HEADER_SIZE)
    except (OSError, EOFError, zlib.error):
        return b""


class NiftiSource(ImageSource):
    """A NIfTI file of one picture, (X, Y) or (X, Y, 1), or of a cine loop, (X, Y, 1, T), whose time points are frames.

    A volume, (X, Y, Z) with Z > 1, is refused: it is not a picture, and which of its axes are in the plane isn't known. Unless somebody
    knows that it is a stack of pictures.
    Numbers that are whole are taken as integers, whatever type they have: programs that convert pictures write them as floats.

    Args:
        stream, path, bits: see `ImageSource`.
        max_pixels: limit on the pixels of a frame, checked by the header.
        stack: the third axis of a volume holds frames.

    Attributes:
        affine: (4, 4) float of the header, from voxel indices to mm.
        zooms: size of a pixel along the first and the second axis, in mm; what the header has in m or micrometres is converted.

    Raises:
        MissingLibraryError: nibabel isn't installed.
        UserError: a volume, a type that is no image, a damaged header.
    """

    spacing_note = "NIfTI states a voxel size, but programs that convert pictures write 1 mm without measuring"

    def __init__(
        self, stream: BinaryIO, path: str | Path, max_pixels: int, bits: int | None = None, stack: bool = False
    ):
        super().__init__(stream, path, bits)
        nibabel = import_nibabel()
        stream.seek(0)
        packed = stream.read(2) == GZIP_MAGIC
        stream.seek(0)
        self._content = gzip.GzipFile(fileobj=stream) if packed else stream
        with decoding(path, "NIfTI"):
            head = self._content.read(HEADER_SIZE)
            self._content.seek(0)
            kind = nibabel.Nifti2Image if head[4:8] in (b"n+2\0", b"ni2\0") else nibabel.Nifti1Image
            if head[344:348] == b"ni1\0" or head[4:8] == b"ni2\0":
                raise UserError(f"{path}: keeps header and pixels in two files (.hdr, .img); save it as one .nii file")
            image = kind.from_stream(self._content)
            self._data = image.dataobj
            self.affine = np.asarray(image.affine, np.float64)
            scale = _MILLIMETRES.get(image.header.get_xyzt_units()[0], 1.0)
            self.zooms = tuple(float(zoom) * scale for zoom in image.header.get_zooms()[:2])
        self._read_shape(max_pixels, stack)

    def values(self, index: int = 0) -> np.ndarray:
        with decoding(self.path, "NIfTI"):
            rest = [0] * (self._data.ndim - 2)
            if rest:
                rest[self._frame_axis - 2] = index
            place = (slice(None), slice(None), *rest)
            array = np.asarray(self._data[place])
            if array.dtype.names:
                array = np.stack([array[name] for name in array.dtype.names], axis=-1)
        array = np.ascontiguousarray(np.swapaxes(array, 0, 1)).astype(array.dtype.newbyteorder("="), copy=False)
        whole = array.dtype.kind == "f" and 1 < array.max() <= 65535 and (array == np.rint(array)).all()
        return array.astype(np.int32) if whole and array.min() >= 0 else array

    def close(self) -> None:
        self._content.close()
        super().close()

    def _read_shape(self, max_pixels: int, stack: bool) -> None:
        shape, dtype = tuple(int(side) for side in self._data.shape), self._data.dtype
        if dtype.kind not in "buif" and dtype.names not in (("R", "G", "B"), ("R", "G", "B", "A")):
            raise UserError(
                f"{self.path}: an image or mask is integers, floats or RGB, but this NIfTI file has {dtype}"
            )
        sizes = shape[2:] + (1, 1)
        is_stack = stack and sizes[0] > 1
        if len(shape) < 2 or math.prod(sizes[1 if is_stack else 2 :]) != 1 or (sizes[0] != 1 and not is_stack):
            raise UserError(
                f"{self.path}: a picture is (width, height) or (width, height, 1) and a cine loop (width, height, 1, frames), but "
                f"this NIfTI file is {shape}, a volume; save its slices one by one (or, for a converter, say --stack)"
            )
        # Floats may be whole numbers.
        self.depth_unknown = dtype.kind in "iuf" and dtype.itemsize > 1
        # With fewer axes there is one frame, whatever the axis.
        self._frame_axis = 2 if is_stack or len(shape) < 4 else 3
        self.num_frames = sizes[0] if is_stack else sizes[1]
        check_size(self.path, shape[1], shape[0], max_pixels)
