"""How a command ends."""

import sys
from collections.abc import Callable

from ultraref.errors import RunStopped, UserError
from ultraref.home import use_writable_home


def run(main: Callable[[], int], spell: Callable[[str], str] = str) -> int:
    """Runs a command and gives its exit status: 0 for success, 2 for what the user can mend, 130 after Ctrl-C; of a
    training that a signal stopped 128 and its number (`RunStopped`).

    A `UserError` is printed alone, also one from a data-loading worker or another process. Anything else is a fault of the program
    and keeps its traceback.

    Args:
        main: the command; returns its exit status.
        spell: gives the message of an error the words of whoever typed the command.
    """
    for stream in (sys.stdout, sys.stderr):
        # A terminal or a file that isn't UTF-8 gets "\\xe4" for what it can't hold, not an error in the place of the result.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    use_writable_home()
    try:
        return main()
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    except RunStopped as stop:
        print(spell(str(stop)), file=sys.stderr)
        return stop.status
    except UserError as error:
        print(f"error: {spell(_message(error))}", file=sys.stderr)
        return 2


def _message(error: UserError) -> str:
    """The error's own message; torch raises that of a data-loading worker again with the worker's traceback before it."""
    text = str(error)
    if not (text.startswith("Caught ") and "DataLoader worker" in text):
        return text
    kind = type(error)
    return text.rpartition(f"\n{kind.__module__}.{kind.__qualname__}: ")[2].strip()
