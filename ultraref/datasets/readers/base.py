"""What every reader of image files gives: frames that stand upright, and the way back to the pixels of the file."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from ultraref.datasets.readers.grey import to_grey
from ultraref.datasets.readers.orientation import turn_back


@dataclass(frozen=True)
class PixelSpacing:
    """Distance of neighbouring pixel centres in the stored image.

    Attributes:
        row_mm: from one row to the next, in mm.
        column_mm: from one column to the next, in mm.
    """

    row_mm: float
    column_mm: float


class ImageSource(ABC):
    """An opened file with one or more 2-D frames. A context manager; used by one thread at a time.

    Args:
        stream: the opened file, which `close` closes.
        path: its name, for messages.
        bits: depth of values above 8 bits, see `grey.to_grey`. A format that states its depth takes no notice.

    Attributes:
        num_frames: pages of a TIFF, frames of a cine loop; 1 for a single image.
        spacing: of the stored pixels; None unless it is certain.
        spacing_note: where the spacing comes from, or why there is none, in one short sentence.
        depth_unknown: whether values are integers of more than 8 bits whose depth nothing states.
        exif_orientation: 1 to 8 as in EXIF; 1 where there is none.
    """

    path: Path
    num_frames: int = 1
    spacing: PixelSpacing | None = None
    spacing_note: str = "the format states no pixel spacing that is certain"
    depth_unknown: bool = False
    exif_orientation: int = 1

    def __init__(self, stream: BinaryIO, path: str | Path, bits: int | None = None):
        self.path = Path(path)
        self.bits = bits
        self._stream = stream

    @property
    def stored_size(self) -> tuple[int, int]:
        """(height, width) of the first frame before it is turned upright, by the header where the format has one that is cheap to read.

        Raises:
            UserError: the frame has to be decoded for it, and can't be.
        """
        height, width = self.values().shape[:2]
        return height, width

    @abstractmethod
    def values(self, index: int = 0) -> np.ndarray:
        """Returns a frame as it is stored, but upright: (H, W), or (H, W, C) with C = 3 for RGB, 4 for RGBA.

        Args:
            index: number of the frame, from 0 up to num_frames - 1.

        Raises:
            UserError: the frame can't be decoded.
        """

    def frame(self, index: int = 0) -> np.ndarray:
        """Returns a frame as networks see it: (H, W) uint8 grey, upright, as a viewer that obeys the orientation shows it.

        Args:
            index: number of the frame, from 0 up to num_frames - 1.

        Raises:
            UserError: the frame can't be decoded, or isn't an image (NaN, floats outside [0, 1], ...).
        """
        return to_grey(self.values(index), self.path, self.bits)

    def to_stored(self, array: np.ndarray) -> np.ndarray:
        """Returns an (H, W) array of the upright frame in the pixel order of the file, as one that is written beside it has it.

        With the file's EXIF orientation it lies right for software that obeys the tag, and without for software that doesn't.
        """
        return turn_back(array, self.exif_orientation)

    def close(self) -> None:
        """Closes the file."""
        self._stream.close()

    def __enter__(self) -> "ImageSource":
        return self

    def __exit__(self, *_) -> None:
        self.close()
