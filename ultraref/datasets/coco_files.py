"""Finds the image files that a COCO file names, wherever it was written."""

import os
import re
import unicodedata
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path, PurePosixPath

from ultraref.text_file import shown

_DRIVE = re.compile(r"[A-Za-z]:")
# A name in JSON is cut to this many characters before the file system is asked: it refuses names of over 255 bytes.
_LONGEST = 4000


class FileNameError(Exception):
    """Why a file name leads to no image; one line."""


class AbsentFileError(FileNameError):
    """There is no such file."""


class ImageFolder:
    """A folder of images.

    Args:
        folder: what file names are relative to. Folders in it that are links are followed.
    """

    def __init__(self, folder: str | Path):
        self.folder = Path(folder)

    def find(self, file_name) -> Path:
        """Returns the file that a name means.

        It is relative to the folder; or, where there is no such file (the name is that of another machine, or lacks a folder), the only
        file of the same last name below the folder. Backslashes divide folders as slashes do. Nothing outside of the folder is found.

        Args:
            file_name: content of JSON.

        Raises:
            FileNameError: it is no name, or there is no such file, or several.
        """
        relative = as_relative(file_name)
        for candidate in dict.fromkeys((PurePosixPath(file_name), relative)):
            inside = not candidate.is_absolute() and ".." not in candidate.parts
            # os.path, as Path.is_file raises at names that are too long.
            if inside and os.path.isfile(self.folder / candidate):
                return self.folder / candidate
        matches = self._by_name.get(unicodedata.normalize("NFC", relative.name), [])
        if len(matches) > 1:
            listed = " and ".join(str(path.relative_to(self.folder)) for path in matches[:3])
            raise FileNameError(f"there are {len(matches)} files of that name below {self.folder}: {listed}")
        if not matches:
            raise AbsentFileError(
                f"there is no file {self.folder / relative}, and none of that name below {self.folder}"
            )
        return matches[0]

    @cached_property
    def _by_name(self) -> dict[str, list[Path]]:
        found: dict[str, list[Path]] = {}
        for path in walk_files(self.folder):
            found.setdefault(unicodedata.normalize("NFC", path.name), []).append(path)
        return found


def as_relative(file_name) -> PurePosixPath:
    """Returns a file name of JSON as a path with slashes, without a drive.

    Raises:
        FileNameError: it isn't text that could name a file.
    """
    if not isinstance(file_name, str) or len(file_name) > _LONGEST or not file_name.isprintable():
        raise FileNameError(f"its file_name is {shown(file_name)}, which names no file")
    path = PurePosixPath(_DRIVE.sub("", file_name.replace("\\", "/"), count=1) if "\\" in file_name else file_name)
    if not path.name or path.name == "..":
        raise FileNameError(f"its file_name is {shown(file_name)}, which names no file")
    return path


def walk_files(folder: Path) -> Iterator[Path]:
    """Yields all files below a folder, sorted within each; links are followed, each folder once."""
    seen = set()
    for place, folders, files in os.walk(folder, followlinks=True):
        real = os.path.realpath(place)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        folders.sort()
        yield from (Path(place, name) for name in sorted(files))
