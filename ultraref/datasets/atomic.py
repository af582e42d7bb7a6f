"""Writes a folder as a whole or not at all."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def atomic_folder(dst: str | Path) -> Iterator[Path]:
    """Context manager that yields an empty folder beside `dst`, which takes the place of `dst` at the end.

    After an exception what was at `dst` before is unchanged. A killed process leaves at most a folder whose name begins
    with a dot and ends with ".partial", which the next call of the same `dst` removes.
    """
    dst = Path(dst)
    dst.parent.mkdir(parents=True, exist_ok=True)
    for left in dst.parent.glob(f".{dst.name}.*.partial"):
        if not _is_running(left.name.split(".")[-2]):
            shutil.rmtree(left, ignore_errors=True)
    staging = dst.parent / f".{dst.name}.{os.getpid()}.partial"
    staging.mkdir()
    try:
        yield staging
        old = dst.parent / f".{dst.name}.old.{os.getpid()}.partial"
        if dst.exists():
            dst.rename(old)
        staging.rename(dst)
        shutil.rmtree(old, ignore_errors=True)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _is_running(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except (ValueError, ProcessLookupError):
        return False
    except PermissionError:
        pass
    return True
