"""Writes a file or a folder as a whole or not at all. Every result of this package is written so."""

import ctypes
import errno
import json
import os
import secrets
import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from glob import escape
from pathlib import Path
from typing import IO

from ultraref.errors import UserError

# Of Linux's renameat2: the folder that relative paths begin at, and the flag that lets two names change places.
_HERE, _RENAME_EXCHANGE = -100, 2


@contextmanager
def atomic_file(path: str | os.PathLike, mode: str = "wb", durable: bool = True) -> Iterator[IO]:
    """Context manager that yields an open file beside `path`, which takes the place of `path` at the end.

    The content is on the disk before it takes the name, so that not even a power cut leaves half a file. After an
    exception what was at `path` before is unchanged. A killed process leaves at most a file whose name begins with a dot and
    ends with ".partial". Where `path` is a link, the file that it names is replaced; a device or a pipe (`/dev/stdout`) is
    written to as it is.

    Args:
        path: the file; its folder is made if need be.
        mode: "wb", or "w" for UTF-8 text whose line ends are written as they are given.
        durable: wait for the disk, where the file system can; that it can't is warned of once. False is for files that can be made again and are checked when they are read.

    Raises:
        ValueError: another `mode`.
        UserError: the file can't be written: a full disk, a folder that is read-only.
    """
    if mode not in ("wb", "w"):
        raise ValueError(f"atomic_file: mode is {mode!r}; it may be 'wb' or 'w'")
    options = {} if mode == "wb" else {"encoding": "utf-8", "newline": ""}
    path = Path(path)
    if path.exists() and not path.is_file():
        with open(path, mode, **options) as file:
            yield file
        return
    path = path.resolve()
    _make_folder(path.parent)
    # A short part of the name, as the whole may be as long as the file system allows.
    temporary = path.with_name(f".{path.name[:40]}.{secrets.token_hex(8)}.partial")
    try:
        # Made by open(), the file gets the permissions of the umask; tempfile's would be private.
        with open(temporary, mode.replace("w", "x"), **options) as file:
            yield file
            if durable:
                wait_for_disk(file)
        os.replace(temporary, path)
    except OSError as error:
        # One about another file, which the caller reads meanwhile, is not ours to explain.
        if error.filename not in (None, str(temporary)):
            raise
        raise UserError(f"{path} can't be written: {error.strerror}") from error
    finally:
        temporary.unlink(missing_ok=True)


def write_json(path: str | os.PathLike, value, indent: int | None = 2) -> None:
    """Writes `value` as JSON with `atomic_file`.

    Args:
        path: the file.
        value: what `json.dumps` takes.
        indent: spaces a level; None writes one line.

    Raises:
        TypeError: JSON can't hold the value; nothing is written then.
        UserError: the file can't be written.
    """
    text = json.dumps(value, indent=indent) + "\n"
    with atomic_file(path, "w") as file:
        file.write(text)


@contextmanager
def atomic_folder(dst: str | os.PathLike) -> Iterator[Path]:
    """Context manager that yields an empty folder beside `dst`, which takes the place of `dst` at the end.

    After an exception what was at `dst` before is unchanged. Old and new change places in one step where the system can (Linux,
    local disks), so that there is no moment without either. Elsewhere there are two renames, and a process that is killed between
    them leaves the old one under another name, which the next call of the same `dst` puts back. What a killed process leaves,
    folders whose names begin with a dot and end with ".partial", that call removes. Where `dst` is a link, the
    folder that it names is replaced.

    Raises:
        UserError: `dst` can't be replaced: it is a mount point, the current folder or one above it, or its parent can't be written to.
    """
    dst = _replaceable(Path(dst))
    _make_folder(dst.parent)
    for left in dst.parent.glob(f".{escape(dst.name)}.*.partial"):
        if _is_running(left.name.split(".")[-2]):
            continue
        if left.name.startswith(f".{dst.name}.old.") and not dst.exists():
            left.rename(dst)
        else:
            shutil.rmtree(left, ignore_errors=True)
    staging = dst.parent / f".{dst.name}.{os.getpid()}.partial"
    _make_folder(staging)
    try:
        yield staging
        # After the exchange, what is removed under this name is the old one.
        if not (dst.exists() and _exchange(staging, dst)):
            _replace_folder(staging, dst)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _exchange(one: Path, other: Path) -> bool:
    """Lets two folders change places in one step, and returns whether this system and file system can."""
    try:
        rename = ctypes.CDLL(None, use_errno=True).renameat2
    except (AttributeError, OSError):
        return False
    return rename(_HERE, os.fsencode(one.absolute()), _HERE, os.fsencode(other.absolute()), _RENAME_EXCHANGE) == 0


def _replace_folder(new: Path, dst: Path) -> None:
    """Puts a folder in the place of another, or of none, by renaming both."""
    old = dst.parent / f".{dst.name}.old.{os.getpid()}.partial"
    if dst.exists():
        dst.rename(old)
    try:
        new.rename(dst)
    except BaseException:
        if old.exists():
            old.rename(dst)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _replaceable(dst: Path) -> Path:
    """Returns the folder itself, links resolved, or refuses one whose place another folder can't take."""
    real = dst.resolve()
    if os.path.ismount(real):
        raise UserError(f"{dst}: is a mount point, whose place no other folder can take; give a folder in it")
    # A shell whose folder was replaced sits in one that is no more.
    here = Path.cwd()
    if real == here or real in here.parents:
        raise UserError(
            f"{dst}: is the current folder or one above it, which is replaced as a whole; give another, or run from elsewhere"
        )
    return real


def wait_for_disk(file: IO) -> None:
    """Waits until what was written to a file is on the disk; where the file system doesn't know that, says so once.

    Raises:
        OSError: the disk is full or broken.
    """
    file.flush()
    try:
        os.fsync(file.fileno())
    except OSError as error:
        # Some network and FUSE file systems don't know it; a disk that is full or broken does.
        if error.errno not in (errno.EINVAL, errno.ENOTSUP, errno.ENOSYS):
            raise
        warnings.warn(
            "this file system doesn't say when a file is on the disk; a power cut may leave half a file", stacklevel=2
        )


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"the folder {folder} can't be made: {error.strerror}") from error


def _is_running(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except (ValueError, ProcessLookupError):
        return False
    except PermissionError:
        pass
    return True
