"""What a reader is to the fuzzer."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Reader:
    """A reader and a file for it.

    Attributes:
        name: in words.
        make: writes a whole file, and what it needs beside it, into an empty folder, and returns its path.
        read: reads it.
    """

    name: str
    make: Callable[[Path], Path]
    read: Callable[[Path], object]
