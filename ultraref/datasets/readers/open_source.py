"""Opens any image file that users have: the content decides what it is, whatever its name says."""

from pathlib import Path
from typing import BinaryIO

from ultraref.datasets.readers import nifti, npy
from ultraref.datasets.readers.base import ImageSource
from ultraref.datasets.readers.decoding import FORMATS, MAX_PIXELS
from ultraref.datasets.readers.dicom import DicomSource
from ultraref.datasets.readers.raster import RasterSource
from ultraref.errors import MissingFileError, UserError

# What a folder is searched for; lower case.
SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".npy", ".dcm", ".nii", ".nii.gz")
_RASTER = (
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"BM", "BMP"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"II+\0", "TIFF"),  # BigTIFF
    (b"MM\0+", "TIFF"),
)
# Preamble and mark.
_DICOM_HEAD = 132
# Content that is recognised to say what it is: (offset, bytes, name).
_REFUSED = (
    (0, b"GIF8", "a GIF"),
    (8, b"WEBP", "a WebP image"),
    (8, b"AVI ", "an AVI video"),
    (4, b"ftyp", "a HEIC or AVIF image or an MP4 video"),
    (0, b"%PDF", "a PDF"),
    (0, b"%!PS", "PostScript"),
    (4, b"jP  ", "a JPEG 2000 image"),
    (0, b"\xff\x4f\xff\x51", "a JPEG 2000 image"),
    (0, b"PK\x03\x04", "a ZIP archive, as .npz files are"),
    (0, b"\x1f\x8b", "a gzip archive of something else than NIfTI"),
    (0, b"<", "a text in HTML or XML"),
    (0, b"version https://git-lfs", "a pointer of Git LFS, whose file was never fetched"),
)


def open_source(
    path: str | Path, max_pixels: int = MAX_PIXELS, bits: int | None = None, stack: bool = False
) -> ImageSource:
    """Opens an image file.

    Args:
        path: the file, with any suffix or none.
        max_pixels: limit on the pixels of a frame, checked by the header before anything is decoded.
        bits: depth of PNG, TIFF, .npy and NIfTI files of more than 8 bits; None takes the smallest of 8, 10, 12, 14 and 16
            that holds the frame's maximum. DICOM states its own.
        stack: the third axis of a NIfTI volume holds frames, see `nifti.NiftiSource`.

    Returns:
        The file's frames; close it, or use it in a `with` statement.

    Raises:
        MissingFileError: there is no such file.
        UserError: it is of another format, too large, or its header is damaged.
    """
    path = Path(path)
    if path.exists() and not path.is_file():
        raise UserError(f"{path}: is no file")
    try:
        stream = open(path, "rb")  # noqa: SIM115, as the source closes it
    except FileNotFoundError:
        raise MissingFileError(f"{path}: no such file") from None
    except OSError as error:
        raise UserError(f"{path}: can't be opened: {error.strerror}") from error
    try:
        return source_of_stream(stream, path, max_pixels, bits, stack)
    except BaseException:
        stream.close()
        raise


def source_of_stream(
    stream: BinaryIO, path: str | Path, max_pixels: int = MAX_PIXELS, bits: int | None = None, stack: bool = False
) -> ImageSource:
    """Opens the content of an image file.

    Args:
        stream: content that can be sought in; the source closes it.
        path: its name, for messages.
        max_pixels, bits, stack: see `open_source`.

    Raises:
        UserError: see `open_source`.
    """
    head = stream.read(nifti.HEADER_SIZE)
    if not head:
        raise UserError(f"{path}: is empty (0 bytes)")
    # Before TIFF, whose header may stand in the preamble of a DICOM file.
    if _is_dicom(head):
        return DicomSource(stream, path, max_pixels)
    for magic, kind in _RASTER:
        if head.startswith(magic):
            return RasterSource(stream, path, kind, max_pixels, bits)
    if head.startswith(npy.MAGIC):
        return npy.NpySource(stream, path, max_pixels, bits)
    if nifti.is_nifti(nifti.unpacked_head(stream) if head.startswith(nifti.GZIP_MAGIC) else head):
        return nifti.NiftiSource(stream, path, max_pixels, bits, stack)
    found = next((name for start, magic, name in _REFUSED if head[start:].startswith(magic)), None)
    if found is None:
        raise UserError(f"{path}: its content is of no format that is read ({FORMATS})")
    raise UserError(f"{path}: is {found}; what is read is {FORMATS}")


def is_dicom(path: str | Path) -> bool:
    """Whether a file begins as DICOM, whatever its name says; one that can't be opened doesn't."""
    try:
        with open(path, "rb") as file:
            return _is_dicom(file.read(_DICOM_HEAD))
    except OSError:
        return False


def _is_dicom(head: bytes) -> bool:
    """Whether a file begins as DICOM: with the preamble, or right with a little-endian element of group 2 or 8, below 0100."""
    return head[128:132] == b"DICM" or (head[:2] in (b"\x02\0", b"\x08\0") and head[3:4] == b"\0")
