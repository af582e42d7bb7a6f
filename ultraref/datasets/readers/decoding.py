"""What all readers do before and around the decoding: a limit on pixels, and one error with the file's name."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ultraref.errors import UserError

# About eight times the largest image of the published sets; more is most likely a damaged or a hostile header.
MAX_PIXELS = 40_000_000
FORMATS = "PNG, JPEG, BMP, TIFF, NumPy's .npy, DICOM and NIfTI"


@contextmanager
def decoding(path: str | Path, what: str) -> Iterator[None]:
    """Context manager that turns whatever a decoder raises into one UserError.

    Decoders meet damaged files with every kind of exception (struct.error, KeyError, zlib.error, MemoryError, ...), so
    all of them are caught.

    Args:
        path: the file.
        what: its format, as the message names it.
    """
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise UserError(f"{path}: can't be read as {what} ({reason})") from error


def check_size(path: str | Path, height: int, width: int, max_pixels: int) -> None:
    """Refuses a frame by its header, before memory is taken for its pixels.

    Raises:
        UserError: it has no pixels, or more than `max_pixels`.
    """
    if height < 1 or width < 1:
        raise UserError(f"{path}: the image is empty, {height} x {width} (height x width)")
    if height * width > max_pixels:
        raise UserError(
            f"{path}: has {height} x {width} (height x width) = {height * width} pixels, more than the limit of {max_pixels}; "
            "make it smaller, or raise max_pixels"
        )
