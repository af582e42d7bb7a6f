"""How a command of tools/ ends."""

import sys
import traceback
from collections.abc import Callable
from pathlib import Path


def run(main: Callable[[], int]) -> int:
    """Runs a command and gives its exit status: 0 for success, 2 for bad input, 130 after Ctrl-C.

    An error that this package raises on purpose is about the user's input, and its message says what to do; it is printed
    alone. Anything else is a fault of the program and keeps its traceback.
    """
    try:
        return main()
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    except (ValueError, KeyError, OSError) as error:
        message = _from_worker(error)
        if message is None:
            if not _raised_on_purpose(error):
                raise
            message = error.args[0] if isinstance(error, KeyError) and error.args else error
        print(f"error: {message}", file=sys.stderr)
        return 2


def _raised_on_purpose(error: BaseException) -> bool:
    """Whether the innermost frame of the traceback is code of this package."""
    # A pool of processes hands the traceback over as text.
    if type(error.__cause__).__name__ == "_RemoteTraceback":
        return _innermost_is_ours(str(error.__cause__))
    frames = list(traceback.walk_tb(error.__traceback__))
    return bool(frames) and frames[-1][0].f_globals.get("__name__", "").split(".")[0] == "ultraref"


def _innermost_is_ours(text: str) -> bool:
    """The same of a traceback as text."""
    innermost = [line for line in text.splitlines() if line.startswith("  File ")][-1]
    return f"{Path(__file__).parents[1]}" in innermost


def _from_worker(error: BaseException) -> str | None:
    """The message of an error that code of this package raised in a data-loading worker, else None.

    torch raises it again in the main process, with the worker's traceback as its text.
    """
    text = str(error.args[0]) if error.args else ""
    if not (text.startswith("Caught ") and "DataLoader worker" in text):
        return None
    head = f"\n{type(error).__name__}: "
    if not _innermost_is_ours(text) or head not in text:
        return None
    return text.rpartition(head)[2].strip()
