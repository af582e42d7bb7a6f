"""Files whose sha256 was recorded when they were made, and is compared when they are read.

A run reads its images in every epoch; each process hashes a file the first time, and again when its size or its time of change is another.
Nothing is kept from one run to the next: a disk that loses bits changes neither.
"""

import hashlib
import os
from pathlib import Path

from ultraref.datasets.image_io import read_bytes, sha256_of_file
from ultraref.errors import UserError

# Path -> size, time of change, and sha256.
_known: dict[str, tuple[int, int, str]] = {}


def read_recorded(path: str | Path, sha256: str | None, advice: str) -> bytes:
    """Returns the content of a file.

    Args:
        path: the file.
        sha256: what was recorded of it; None where nothing was, and nothing is compared.
        advice: end of the message: what recorded it, and what to do.

    Raises:
        FileNotFoundError: there is no such file.
        UserError: it is another file than was recorded.
    """
    data = read_bytes(path)
    if sha256 is None:
        return data
    key, stamp = str(path), _stamp(path)
    if _known.get(key) != (*stamp, sha256):
        if hashlib.sha256(data).hexdigest() != sha256:
            raise UserError(f"{path}: is not the file that {advice}")
        _known[key] = (*stamp, sha256)
    return data


def sha256_once(path: str | Path) -> str:
    """Returns the sha256 of a file; hashes it again only when it has changed since this process did."""
    key, stamp = str(path), _stamp(path)
    known = _known.get(key)
    if known is None or known[:2] != stamp:
        known = _known[key] = (*stamp, sha256_of_file(path))
    return known[2]


def _stamp(path: str | Path) -> tuple[int, int]:
    status = os.stat(path)
    return status.st_size, status.st_mtime_ns
