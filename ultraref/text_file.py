"""Text files that a user hands over: JSON, tables. Bounded, and in one encoding."""

import codecs
import os
import reprlib
from pathlib import Path

from ultraref.errors import MissingFileError, UserError

# The annotations of 118,000 photographs (COCO's train2017) take 450 MB; their content about ten times that in memory.
MAX_BYTES = 512 * 1024**2

# The longer mark of UTF-32 begins with that of UTF-16.
_OTHER_MARKS = (
    (codecs.BOM_UTF32_LE, "UTF-32"),
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)

_REPR = reprlib.Repr()
_REPR.maxstring = _REPR.maxother = 60


def shown(value) -> str:
    """Returns `repr` of a value that a file holds, for messages: one line, cut short whatever its size and depth."""
    return _REPR.repr(value)


def read_text(path: str | os.PathLike, hint: str = "", max_bytes: int = MAX_BYTES) -> str:
    """Returns the text of a file in UTF-8, with or without a byte-order mark.

    Args:
        path: the file.
        hint: what to do where there is no such file, for the message.
        max_bytes: a larger file is refused before memory is taken.

    Raises:
        MissingFileError: there is no such file.
        UserError: it is too large, can't be opened, or isn't UTF-8.
    """
    path = Path(path)
    try:
        size = path.stat().st_size if path.is_file() else None
        if size is None:
            kind = "is a folder, not a file" if path.is_dir() else "no such file"
            raise MissingFileError(f"{path}: {kind}{f'; {hint}' if hint else ''}")
        if size > max_bytes:
            raise UserError(f"{path}: has {size / 1e6:,.0f} MB; at most {max_bytes / 1e6:,.0f} are read")
        content = path.read_bytes()
    except OSError as error:
        if isinstance(error, UserError):
            raise
        raise UserError(f"{path}: can't be read ({error.strerror})") from error
    return decode_text(content, path)


def decode_text(content: bytes, path: str | os.PathLike) -> str:
    """Returns the text of bytes in UTF-8, with or without a byte-order mark.

    Raises:
        UserError: they are in another encoding; the message names it as far as it shows.
    """
    for mark, encoding in _OTHER_MARKS:
        if content.startswith(mark):
            raise UserError(f"{path}: is {encoding}, not UTF-8; save it as UTF-8 (a table as 'CSV UTF-8')")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        kind = "UTF-16 or binary" if b"\x00" in content[:1000] else "of an older encoding, such as Windows-1252"
        raise UserError(
            f"{path}: isn't UTF-8 (byte {content[error.start] if error.start < len(content) else 0:#04x} at {error.start}); it may be "
            f"{kind}. Save it as UTF-8"
        ) from error
