"""Downloads a file as a whole or not at all, and goes on with one that broke off."""

import http.client
import os
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from ultraref.atomic import wait_for_disk
from ultraref.errors import UserError

BLOCK = 2**18
TIMEOUT_S = 30
# Calls in a row that bring nothing new before a server is given up.
FRUITLESS_TRIES = 3


class DownloadError(UserError):
    """A server can't be reached, refuses, or breaks off; the message says which."""


def download(url: str, path: Path, check: Callable[[Path], None], size: int | None = None) -> None:
    """Downloads `url` to `path`, with a progress bar where a terminal shows one.

    What has come so far lies beside it, under its name with ".partial", and a later call goes on from there if the
    server lets it. Only when the file is complete and `check` is content does it take its name.

    Args:
        url: http or https.
        path: the file; its folder is made if need be.
        check: called with the complete file; raises UserError if it isn't the right one. Then what came is deleted, as
            going on from it would never help; where it began with what an earlier call left, the download is tried once
            more from nothing.
        size: of the file in bytes, where it is known.

    Raises:
        DownloadError: the network, the server, or the disk; what came so far is kept.
        UserError: of `check`.
    """
    partial = path.with_name(f"{path.name}.partial")
    continued = partial.exists()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _fetch_all(url, partial, size)
    except OSError as error:
        raise DownloadError(f"{partial} can't be written: {error.strerror or error}") from error
    try:
        check(partial)
    except UserError:
        partial.unlink()
        if not continued:
            raise
        download(url, path, check, size)
        return
    os.replace(partial, path)


def _fetch_all(url: str, partial: Path, size: int | None) -> None:
    """Calls the server until all has come, as long as each call brings something."""
    most = fruitless = 0
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, transient=True) as progress:
        task = progress.add_task(partial.stem, total=size)
        while True:
            total = _fetch_rest(
                url, partial, size, lambda done, total: progress.update(task, completed=done, total=total)
            )
            now = _size(partial)
            if now == total or total is None:
                return
            fruitless = fruitless + 1 if now <= most else 0
            most = max(most, now)
            if fruitless == FRUITLESS_TRIES:
                raise DownloadError(
                    f"the connection to {_host(url)} ended after {now:,} of {total:,} bytes. They are kept in {partial}"
                    ": the same command goes on from there"
                )


def _fetch_rest(url: str, partial: Path, size: int | None, report: Callable[[int, int | None], None]) -> int | None:
    """Calls the server once and appends what it sends.

    Returns:
        The size of the whole file as the server says, or `size`; None where neither is known, and then all has come.
    """
    begun = _size(partial)
    if size is not None and begun > size:
        begun = 0
    if begun and begun == size:
        return size
    request = urllib.request.Request(url, headers={"User-Agent": "ultraref", "Accept-Encoding": "identity"})
    if begun:
        request.add_header("Range", f"bytes={begun}-")
    try:
        response = urllib.request.urlopen(request, timeout=TIMEOUT_S)
    except urllib.error.HTTPError as error:
        if error.code == 416 and begun:
            # There is nothing after what is here: it is whole, or another file.
            partial.unlink()
            return _fetch_rest(url, partial, size, report)
        raise DownloadError(f"{_host(url)} answers {error.code} {error.reason} to {url}") from error
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", None) or error
        raise DownloadError(f"{_host(url)} can't be reached: {reason}") from error
    with response:
        continues = response.status == 206
        if continues and not response.headers.get("Content-Range", "").startswith(f"bytes {begun}-"):
            raise DownloadError(
                f"{_host(url)} was asked for the bytes from {begun} on and sent others; delete {partial}"
            )
        length = response.headers.get("Content-Length")
        expected = int(length) if length is not None else None
        total = size if expected is None else expected + (begun if continues else 0)
        with open(partial, "ab" if continues else "wb") as file:
            done = begun if continues else 0
            while True:
                try:
                    block = response.read(BLOCK)
                except (OSError, http.client.HTTPException):
                    # The caller sees that something is missing, and calls again.
                    total = total if total is not None else done + 1
                    break
                if not block:
                    break
                file.write(block)
                done += len(block)
                report(done, total)
            wait_for_disk(file)
    return total


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _host(url: str) -> str:
    return urllib.request.urlparse(url).netloc
