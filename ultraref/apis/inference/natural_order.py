"""The order in which people number things: frame2 before frame10."""

import re
from pathlib import PurePosixPath

_NUMBER = re.compile(r"(\d+)")


def natural_key(name: str) -> tuple:
    """Returns a key that sorts names with their numbers by value, letter case aside; of equals, as they are written.

    Folders come first: what lies in one folder stays together.
    """
    path = PurePosixPath(name)
    return _parts(str(path.parent)), _parts(path.name), name


def _parts(text: str) -> list:
    # Texts at even places and numbers at odd ones, so that like is compared with like.
    return [int(part) if place % 2 else part for place, part in enumerate(_NUMBER.split(text.casefold()))]
