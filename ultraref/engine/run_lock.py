"""Keeps two runs out of one work dir."""

import json
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from mmengine.dist import broadcast_object_list, is_main_process

from ultraref.errors import UserError

LOCK_NAME = "run.lock"
_held: set[Path] = set()


@contextmanager
def run_lock(work_dir: str | Path) -> Iterator[None]:
    """While it lasts, no other run may have the work dir. A run that has it may ask again.

    The file `run.lock` names the host and the process, and the job of Slurm where there is one. One that a killed process of this host
    left is replaced, and so is that of a job which was queued again, on whatever host, as the same job doesn't run twice at once.

    Raises:
        UserError: another process of this host has the work dir, or one of another host, of which nobody here can tell
            whether it runs. Raised in every process of a distributed run.
    """
    path = Path(work_dir).resolve() / LOCK_NAME
    if path in _held:
        yield
        return
    on_main_process(lambda: _take(path))
    _held.add(path)
    try:
        yield
    finally:
        _held.discard(path)
        if is_main_process():
            path.unlink(missing_ok=True)


def on_main_process(function: Callable):
    """Calls a function in the first process of a distributed run; every process gets its result, or the UserError that it raised.

    It is also where the processes wait for each other.
    """
    outcome = [None, None]
    if is_main_process():
        try:
            outcome[0] = function()
        except UserError as error:
            outcome[1] = str(error)
    broadcast_object_list(outcome)
    if outcome[1] is not None:
        raise UserError(outcome[1])
    return outcome[0]


def _take(path: Path) -> None:
    own = {"host": socket.gethostname(), "pid": os.getpid(), "started": _started(os.getpid()), "job": _job()}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        for _ in range(3):
            try:
                with open(path, "x", encoding="utf-8") as file:
                    json.dump(own, file)
                return
            except FileExistsError:
                _refuse_or_remove(path, own)
    except OSError as error:
        if path.parent.exists() and not path.parent.is_dir():
            raise UserError(f"the work dir {path.parent} is a file, not a folder") from error
        raise UserError(f"the work dir {path.parent} can't be written: {error.strerror}") from error
    raise UserError(f"{path.parent} is being taken by other runs at the same time; start this one again")


def _refuse_or_remove(path: Path, own: dict) -> None:
    """Removes the lock of a process that has ended; refuses any other."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return
    how = f"If that run has ended, remove {path}; else take another --work-dir"
    try:
        owner = json.loads(text)
        pid, owner_host, started = int(owner["pid"]), owner["host"], owner["started"]
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise UserError(f"{path.parent} seems to be in use: its {LOCK_NAME} can't be read. {how}") from error
    is_earlier_start = own["job"] is not None and _is_earlier_start(owner.get("job"), own["job"])
    if owner_host != own["host"] and not is_earlier_start:
        raise UserError(f"{path.parent} is in use by process {pid} on host {owner_host}, which isn't this one. {how}")
    if owner_host == own["host"] and pid != os.getpid() and _is_running(pid, started):
        raise UserError(f"{path.parent} is in use by process {pid} of this host. {how}")
    # Two runs that start at once may both come here: only what was read is removed.
    grave = path.with_name(f".{LOCK_NAME}.{os.getpid()}.partial")
    try:
        path.rename(grave)
    except FileNotFoundError:
        return
    if grave.read_text(encoding="utf-8", errors="replace") != text:
        grave.rename(path)
    else:
        grave.unlink()


def _job() -> list | None:
    """Number of the job of Slurm that this is, and how often it was queued again; None outside of Slurm."""
    if "SLURM_JOB_ID" not in os.environ:
        return None
    return [os.environ["SLURM_JOB_ID"], int(os.environ.get("SLURM_RESTART_COUNT") or 0)]


def _is_earlier_start(job, own: list) -> bool:
    return isinstance(job, list) and len(job) == 2 and job[0] == own[0] and job[1] != own[1]


def _is_running(pid: int, started: str | None) -> bool:
    """Whether a process runs, and is the one that began at `started`: numbers of processes are used again."""
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass
    return started is None or _started(pid) in (None, started)


def _started(pid: int) -> str | None:
    """When a process began, in ticks since the system did; None where the system doesn't say. "ended" for one that only
    waits for its parent to look.
    """
    try:
        # The name in parentheses may hold anything.
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return None
    return "ended" if fields[0] in "ZX" else fields[19]
