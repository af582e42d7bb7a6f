"""Which files an input means, and what their results are called."""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from glob import glob, has_magic
from hashlib import sha256
from pathlib import Path

from ultraref.apis.inference.natural_order import natural_key
from ultraref.datasets.readers import SUFFIXES
from ultraref.errors import MissingFileError, UserError
from ultraref.names import plain_name

# Where the letters stand that mark a DICOM file, whose name often has no suffix.
_DICOM_MARK = slice(128, 132)


@dataclass(frozen=True)
class InputFile:
    """A file to predict.

    Attributes:
        path: where it lies.
        name: what its results are called: the path below the folder that was named, without suffix, with "/" between folders,
            and "_" for what `ultraref.names` doesn't allow. No two files of one input share it.
        video: the folder whose images are the frames of one video; None where a file stands for itself.
        video_state: what changes when any file of that video does.
    """

    path: Path
    name: str
    video: str | None = None
    video_state: str = ""


def find_files(inputs: str | os.PathLike | Sequence[str | os.PathLike], video_folders: bool = False) -> list[InputFile]:
    """Returns the files that paths, folders and globs mean, each once, folder by folder and in natural order: frame2 before frame10.

    A folder is searched with those in it, for names that end as `ultraref.datasets.readers.SUFFIXES`, and for DICOM files without a
    suffix; what begins with a dot is left out. A file that is named is taken whatever its name ends with. Where names without suffix
    are equal, as those of case.png and case.jpg, the suffix becomes a part of them: case_png, case_jpg.

    Args:
        inputs: paths, folders and globs.
        video_folders: the images that lie in one folder are the frames of one video.

    Raises:
        MissingFileError: a path doesn't exist, or a glob matches nothing.
        UserError: a folder holds nothing to predict.
    """
    if isinstance(inputs, (str, os.PathLike)):
        inputs = [inputs]
    found: dict[Path, str] = {}
    for given in inputs:
        for path, relative in _expand(Path(given).expanduser()):
            found.setdefault(path, relative)
    stems = {path: stem(relative) for path, relative in found.items()}
    shared = Counter(stems.values())
    named = [
        InputFile(path, plain_name(name if shared[name] == 1 else f"{name}_{found[path][len(name) :].strip('.')}"))
        for path, name in stems.items()
    ]
    again = [name for name, count in Counter(file.name for file in named).items() if count > 1]
    if again:
        paths = ", ".join(str(file.path) for file in named if file.name == again[0])
        raise UserError(f"the results of {paths} would have one name, {again[0]}; predict them one after the other")
    named.sort(key=lambda file: natural_key(file.name))
    return _as_videos(named) if video_folders else named


def stem(name: str, suffixes: Sequence[str] = SUFFIXES) -> str:
    """Returns a file's name without a suffix that is known; "scan.nii.gz" is "scan"."""
    lowered = name.lower()
    suffix = max((s for s in suffixes if lowered.endswith(s)), key=len, default="")
    # A name that is nothing but a suffix keeps it.
    return name[: -len(suffix)] if suffix and not name.endswith("/" + name[-len(suffix) :]) else name


def _as_videos(files: Sequence[InputFile]) -> list[InputFile]:
    """Returns the files folder by folder, each folder a video."""
    folders: dict[str, list[InputFile]] = {}
    for file in files:
        folders.setdefault(str(file.path.parent.resolve()), []).append(file)
    videos = []
    for folder, frames in folders.items():
        state = sha256(repr([(frame.path.name, *_state(frame.path)) for frame in frames]).encode()).hexdigest()
        videos += [replace(frame, video=folder, video_state=state) for frame in frames]
    return videos


def _state(path: Path) -> tuple[int, ...]:
    try:
        status = path.stat()
    except OSError:  # a link that leads nowhere, which is reported when it is read
        return ()
    return status.st_size, status.st_mtime_ns


def _expand(given: Path) -> Iterator[tuple[Path, str]]:
    """Yields each file with its path below what was named."""
    if given.is_dir():
        below = [(path, path.relative_to(given).as_posix()) for path in _walk(given)]
        if not below:
            raise UserError(
                f"{given} holds no image; looked for {', '.join(SUFFIXES)} and DICOM files, folders included"
            )
        yield from below
    elif given.is_file():
        yield given, given.name
    elif has_magic(str(given)):
        matches = sorted(Path(match) for match in glob(str(given), recursive=True))
        files = [match for match in matches if match.is_file()]
        if not files:
            raise MissingFileError(f"no file matches {given}")
        # The part before the first pattern is the folder that the user means.
        parts = given.parts
        root = Path(*parts[: next(i for i, part in enumerate(parts) if has_magic(part))])
        yield from ((path, path.relative_to(root).as_posix()) for path in files)
    else:
        raise MissingFileError(f"{given}: no such file or folder")


def _walk(folder: Path) -> Iterator[Path]:
    for root, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            path = Path(root, name)
            if not name.startswith(".") and (name.lower().endswith(SUFFIXES) or ("." not in name and _is_dicom(path))):
                yield path


def _is_dicom(path: Path) -> bool:
    try:
        with open(path, "rb") as file:
            return file.read(_DICOM_MARK.stop)[_DICOM_MARK] == b"DICM"
    except OSError:
        return False
