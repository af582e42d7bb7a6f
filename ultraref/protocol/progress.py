"""How far a step is, read from the end of its log."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

from ultraref.protocol.step import Step

# "Epoch(train)  [3][20/44]" of MMEngine, and "Epoch(test) [5/13]".
_TRAINED = re.compile(rb"Epoch\(train\)\s*\[\s*(\d+)\]\[\s*(\d+)/\s*(\d+)\]")
_TESTED = re.compile(rb"Epoch\(test\)\s*\[\s*(\d+)/\s*(\d+)\]")
# Bytes of a log's end that are searched.
_TAIL = 16384


@dataclass(frozen=True)
class Progress:
    """How far a step is.

    Attributes:
        share: what is done of it, 0 to 1.
        text: in words, "epoch 3 of 24".
    """

    share: float
    text: str


def read_progress(step: Step, log: Path, start: int = 0) -> Progress | None:
    """Returns how far a running step is; None if its log doesn't tell.

    Args:
        step: the step.
        log: its log.
        start: bytes of the log that earlier calls wrote.
    """
    tail = read_tail(log, start)
    trained = list(_TRAINED.finditer(tail))
    if trained and step.epochs:
        epoch, done, all_of_it = map(int, trained[-1].groups())
        share = min((epoch - 1 + done / all_of_it) / step.epochs, 1.0)
        return Progress(share, f"epoch {epoch} of {step.epochs}")
    tested = list(_TESTED.finditer(tail))
    if tested:
        done, all_of_it = map(int, tested[-1].groups())
        return Progress(done / all_of_it, f"batch {done} of {all_of_it}")
    return None


def read_tail(log: Path, start: int = 0) -> bytes:
    """Returns the last bytes of a log, none before `start`; nothing where there is no log."""
    try:
        with open(log, "rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(min(size, max(start, size - _TAIL)))
            return file.read()
    except FileNotFoundError:
        return b""


def last_lines(log: Path, number: int, start: int = 0) -> list[str]:
    """Returns the last lines of a log that say something."""
    # Progress bars overwrite their line.
    text = read_tail(log, start).decode(errors="replace").replace("\r", "\n")
    return [line.rstrip() for line in text.splitlines() if line.strip()][-number:]
