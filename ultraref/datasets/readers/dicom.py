"""DICOM images and cine loops, by pydicom."""

from pathlib import Path
from typing import BinaryIO

import numpy as np

from ultraref.bounded_stream import BoundedStream
from ultraref.datasets.readers.base import ImageSource
from ultraref.datasets.readers.codestream import claimed_size
from ultraref.datasets.readers.decoding import check_size, decoding
from ultraref.datasets.readers.dicom_spacing import read_spacing
from ultraref.datasets.readers.grey import to_grey
from ultraref.errors import MissingLibraryError, UserError

_GREY = ("MONOCHROME1", "MONOCHROME2")
_COLOUR = ("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT")
# Tag, type and length of an element of bytes, before its content.
_ELEMENT_HEADER = 12
_DEFLATED = b"1.2.840.10008.1.2.1.99"
# Preamble and elements of group 2, which are short texts.
_FIRST_GROUP = 1 << 16


def import_pydicom():
    """Returns the module.

    Raises:
        MissingLibraryError: it isn't installed; names the extra.
    """
    try:
        import pydicom
        import pydicom.pixels
    except ImportError as error:
        raise MissingLibraryError(f"DICOM files need pydicom ({error}): pip install 'ultraref[dicom]'") from error
    return pydicom


def read_header(stream: BinaryIO, path: str | Path):
    """Returns the elements of a DICOM file up to its pixels, a pydicom Dataset, and leaves the stream right before those.

    Args:
        stream: a `BoundedStream`, as an element of a damaged file may claim any length.
        path: its name, for messages.

    Raises:
        MissingLibraryError: pydicom isn't installed.
        UserError: the file is damaged, or compressed as a whole.
    """
    pydicom = import_pydicom()
    stream.seek(0)
    # Such a file pydicom would expand to whatever size it has. The syntax stands in the first group, which is never compressed.
    if _DEFLATED in stream.read(_FIRST_GROUP):
        raise _unread_syntax(path, "Deflated Explicit VR Little Endian")
    stream.seek(0)
    with decoding(path, "DICOM"):
        # `force` is for files without the preamble, which was sought by `open_source`.
        return pydicom.dcmread(stream, stop_before_pixels=True, force=True)


def _unread_syntax(path: str | Path, name: str) -> UserError:
    return UserError(f"{path}: the transfer syntax {name!r} isn't read; convert it to an uncompressed one")


class DicomSource(ImageSource):
    """A DICOM file with pixels; the frames of a cine loop are decoded one at a time.

    Grey values go through the modality rescale and the first VOI window or table where there is one; without one the range that
    BitsStored allows becomes 0 to 255. MONOCHROME1 is inverted, YBR and palettes become RGB and then luma.

    Args:
        stream, path: see `ImageSource`.
        max_pixels: limit on the pixels of a frame, checked by the header.

    Raises:
        MissingLibraryError: pydicom, or the plug-in for this compression, isn't installed.
        UserError: no pixel data, an unknown photometric interpretation or compression, a damaged header.
    """

    def __init__(self, stream: BinaryIO, path: str | Path, max_pixels: int):
        # An element of a damaged file may claim any length.
        super().__init__(BoundedStream(stream), path)
        pydicom = import_pydicom()
        self.header = read_header(self._stream, path)
        with decoding(path, "DICOM"):
            self._check_kind()
            check_size(path, int(self.header.Rows), int(self.header.Columns), max_pixels)
            self.num_frames = max(int(self.header.get("NumberOfFrames") or 1), 1)
            self._syntax = self._find_syntax(pydicom)
            self.spacing, self.spacing_note = read_spacing(self.header)

    def values(self, index: int = 0) -> np.ndarray:
        array = self._decoded(index)
        if self._kind == "MONOCHROME1":
            low, high = self._stored_range()
            array = (low + high - array.astype(np.int64)).astype(array.dtype)
        return self._palette_applied(array) if self._kind == "PALETTE COLOR" else array

    def frame(self, index: int = 0) -> np.ndarray:
        if self._kind in _GREY:
            return self._windowed(self._decoded(index))
        rgb = self.values(index)
        # A palette's entries fill their type.
        bits = int(self.header.BitsStored) if self._kind in _COLOUR else 8 * rgb.dtype.itemsize
        return to_grey(rgb, self.path, bits)

    def _check_kind(self) -> None:
        header = self.header
        self._kind = str(header.get("PhotometricInterpretation", "")).strip()
        if not header.get("Rows") or not header.get("Columns") or not self._kind:
            what = getattr(header.get("SOPClassUID"), "name", None) or "no SOP class stated"
            raise UserError(f"{self.path}: is a DICOM file without an image ({what})")
        if self._kind not in (*_GREY, *_COLOUR, "PALETTE COLOR"):
            raise UserError(
                f"{self.path}: photometric interpretation {self._kind!r} isn't read; what is read is "
                f"{', '.join((*_GREY, *_COLOUR, 'PALETTE COLOR'))}"
            )
        allocated = header.get("BitsAllocated")
        if allocated not in (1, 8, 16):
            raise UserError(
                f"{self.path}: an image has 8 or 16 bits a sample (BitsAllocated), but this one has {allocated}"
            )

    def _find_syntax(self, pydicom):
        """Returns the transfer syntax, if there are pixels and something that decodes it."""
        syntax = getattr(self.header, "file_meta", {}).get("TransferSyntaxUID")
        if not syntax:
            explicit = self.header.original_encoding == (False, True)
            syntax = pydicom.uid.ExplicitVRLittleEndian if explicit else pydicom.uid.ImplicitVRLittleEndian
        self._pixels_start = self._stream.tell()  # dcmread stopped right before them
        if not self._stream_has_pixels():
            raise UserError(f"{self.path}: is a DICOM file without pixel data")
        try:
            decoder = pydicom.pixels.get_decoder(syntax)
        except NotImplementedError:
            raise _unread_syntax(self.path, syntax.name) from None
        if not decoder.is_available:
            missing = " or ".join(text.split("requires ")[-1] for text in decoder.missing_dependencies)
            raise MissingLibraryError(
                f"{self.path}: the transfer syntax {syntax.name!r} needs a package that isn't installed: {missing} "
                "(docs/reference/inputs.md)"
            )
        return syntax

    def _stream_has_pixels(self) -> bool:
        return self._stream.read(4) in (b"\xe0\x7f\x10\x00", b"\x7f\xe0\x00\x10")

    def _decoded(self, index: int) -> np.ndarray:
        from pydicom.pixels import pixel_array

        with decoding(self.path, "DICOM"):
            self._check_compressed_size(index)
            return pixel_array(self._stream, index=index, transfer_syntax_uid=self._syntax)

    def _check_compressed_size(self, index: int) -> None:
        """Refuses a compressed frame of another size than the header's, before its decoder takes memory for it."""
        from pydicom.encaps import get_frame
        from pydicom.uid import RLELossless

        if not self._syntax.is_encapsulated or self._syntax == RLELossless:
            return
        offsets = None
        if "ExtendedOffsetTable" in self.header:
            offsets = self.header.ExtendedOffsetTable, self.header.ExtendedOffsetTableLengths
        self._stream.seek(self._pixels_start + _ELEMENT_HEADER)
        data = get_frame(self._stream, index, number_of_frames=self.num_frames, extended_offsets=offsets)
        height, width, components = claimed_size(data)
        stated = int(self.header.Rows), int(self.header.Columns), int(self.header.SamplesPerPixel)
        if (height, width, components) != stated:
            raise ValueError(
                f"the compressed frame is {height} x {width} of {components} components, but the header states "
                f"{stated[0]} x {stated[1]} of {stated[2]}"
            )

    def _palette_applied(self, array: np.ndarray) -> np.ndarray:
        from pydicom.pixels import apply_color_lut

        with decoding(self.path, "DICOM"):
            return apply_color_lut(array, self.header)

    def _windowed(self, array: np.ndarray) -> np.ndarray:
        """Returns (H, W) uint8 of stored grey values (DICOM PS3.3, C.11.1 and C.11.2)."""
        from pydicom.pixels import apply_modality_lut, apply_voi, apply_windowing

        header = self.header
        with decoding(self.path, "DICOM"):
            values = apply_modality_lut(array, header)
            low, high = self._modality_range()
            if header.get("VOILUTSequence"):
                values = apply_voi(np.rint(values).astype(np.int32), header)
                low, high = 0, 2 ** int(header.VOILUTSequence[0].LUTDescriptor[2]) - 1
            elif header.get("WindowCenter") is not None and header.get("WindowWidth") is not None:
                values = apply_windowing(values, header)
            else:
                low, high = sorted((low, high))
            if low == high or not np.isfinite([low, high]).all():
                raise UserError(f"{self.path}: the rescale slope maps every value to {low:g}")
            grey = np.clip((values.astype(np.float32) - low) / (high - low), 0, 1) * 255
        return np.rint(255 - grey if self._kind == "MONOCHROME1" else grey).astype(np.uint8)

    def _stored_range(self) -> tuple[int, int]:
        bits = int(self.header.BitsStored)
        return (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if self.header.get("PixelRepresentation") else (0, 2**bits - 1)

    def _modality_range(self) -> tuple[float, float]:
        """What the stored range becomes by the modality table or rescale, lowest stored value first; a window maps onto it, too."""
        if self.header.get("ModalityLUTSequence"):
            return 0, 2 ** int(self.header.ModalityLUTSequence[0].LUTDescriptor[2]) - 1
        low, high = self._stored_range()
        slope, intercept = self.header.get("RescaleSlope"), self.header.get("RescaleIntercept")
        if slope is None or intercept is None:
            return low, high
        return low * float(slope) + float(intercept), high * float(slope) + float(intercept)
