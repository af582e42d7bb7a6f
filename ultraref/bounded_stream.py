"""Reading from files that may claim any size."""

import os
from typing import BinaryIO


class BoundedStream:
    """A stream that is never asked for more bytes than it has left: to be asked for 4 GB, Python takes 4 GB first.

    Args:
        stream: content that can be sought in.
    """

    def __init__(self, stream: BinaryIO):
        self._stream = stream
        here = stream.tell()
        self._size = stream.seek(0, os.SEEK_END)
        stream.seek(here)

    def read(self, size: int | None = -1) -> bytes:
        """Reads `size` bytes, or as many as there are."""
        left = max(self._size - self._stream.tell(), 0)
        return self._stream.read(left if size is None or size < 0 else min(size, left))

    def __getattr__(self, name: str):
        return getattr(self._stream, name)
