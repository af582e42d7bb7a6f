"""A checksum over a whole checkpoint file, kept in the comment at the end of its zip archive.

torch reads archives without looking at their checksums: one flipped bit gives other weights and no error. The seal is the sha256
of the file as torch wrote it, so that no bit of it can change unnoticed, headers and padding included. Programs that know nothing
of it read the file as before.
"""

import hashlib
import os
from typing import IO

from ultraref.errors import UserError

_MARK = b"ultraref sha256 "
_COMMENT_SIZE = len(_MARK) + 64
# A zip archive ends with the length of its comment, two bytes, and the comment.
_LENGTH = _COMMENT_SIZE.to_bytes(2, "little")
_NO_COMMENT = b"\0\0"
_TAIL_SIZE = len(_LENGTH) + _COMMENT_SIZE
_BLOCK = 1 << 20


class SealedWriter:
    """What `torch.save` writes into, so that the checksum is ready when the file is.

    Args:
        file: open for writing, at its start.

    Attributes:
        error: what the file system said when it took no more; torch reports it without the reason.
    """

    def __init__(self, file: IO[bytes]):
        self._file = file
        self._digest = hashlib.sha256()
        self.error: OSError | None = None

    def write(self, data) -> int:
        """Writes and counts in a piece of the archive."""
        self._digest.update(data)
        try:
            return self._file.write(data)
        except OSError as error:
            self.error = error
            raise

    def flush(self) -> None:
        """Hands on what was written."""
        self._file.flush()

    def seal(self) -> None:
        """Adds the checksum. The archive has been written, without a comment of its own."""
        self._file.seek(-len(_NO_COMMENT), os.SEEK_END)
        self._file.write(_LENGTH + _MARK + self._digest.hexdigest().encode())


def check_seal(file: IO[bytes], path) -> bool:
    """Compares a file with its seal.

    Args:
        file: open for reading; is at its start afterwards.
        path: its name, for the message.

    Returns:
        Whether it has a seal. One that was written by an earlier version or by another program has none.

    Raises:
        UserError: it has one, and the content is another than was sealed.
    """
    size = file.seek(0, os.SEEK_END)
    file.seek(max(size - _TAIL_SIZE, 0))
    tail = file.read()
    file.seek(0)
    if len(tail) < _TAIL_SIZE or not tail[len(_LENGTH) :].startswith(_MARK):
        return False
    digest = hashlib.sha256()
    left = size - _TAIL_SIZE
    while left > 0 and (block := file.read(min(_BLOCK, left))):
        digest.update(block)
        left -= len(block)
    digest.update(_NO_COMMENT)
    file.seek(0)
    if tail != _LENGTH + _MARK + digest.hexdigest().encode():
        raise UserError(f"checkpoint {path} is damaged: its content doesn't fit its checksum")
    return True
