"""The size that a compressed frame of a DICOM file claims, which a decoder takes memory for, whatever the DICOM header says."""

import struct

# ISO 10918-1, table B.1: start of frame; C4, C8 and CC are others. F7 is JPEG-LS (ISO 14495-1, C.1.1).
_STARTS_OF_FRAME = {*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC}
_START_OF_SCAN = 0xDA
# ISO 15444-1, A.4.1 and A.5.1: start of codestream, then the size.
_JPEG_2000 = b"\xff\x4f\xff\x51"


def claimed_size(data: bytes) -> tuple[int, int, int]:
    """Returns height, width and number of components of a JPEG, JPEG-LS or JPEG 2000 stream, by its own header.

    Raises:
        ValueError: there is no such header.
    """
    if data[:2] == b"\xff\xd8":
        return _size_of_jpeg(data)
    # JPEG 2000 may be wrapped in boxes.
    start = data.find(_JPEG_2000)
    if start < 0 or len(data) < start + 42:
        raise ValueError("the compressed frame has no header of JPEG or JPEG 2000")
    right, bottom, left, top = struct.unpack_from(">4I", data, start + 8)
    (components,) = struct.unpack_from(">H", data, start + 40)
    return bottom - top, right - left, components


def _size_of_jpeg(data: bytes) -> tuple[int, int, int]:
    at = 2
    while at + 10 <= len(data):
        if data[at] != 0xFF:
            raise ValueError("the compressed frame's JPEG header is damaged")
        marker = data[at + 1]
        if marker == 0xFF:  # a fill byte
            at += 1
            continue
        if marker in _STARTS_OF_FRAME:
            return struct.unpack_from(">HHB", data, at + 5)
        if marker == _START_OF_SCAN:
            break
        at += 2 + struct.unpack_from(">H", data, at + 2)[0]
    raise ValueError("the compressed frame's JPEG header states no size")
