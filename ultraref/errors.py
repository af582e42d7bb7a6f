"""What a user can mend, as exceptions."""


class UserError(ValueError):
    """Something outside the program is wrong: a file, a config, an option, the data. The message says what was found and where, what
    is allowed, and what to do.

    Commands print it alone and end with status 2 (`ultraref.console`); every other exception is a fault of the program and
    keeps its traceback. It is a ValueError, so that code that calls the package may catch that.
    """


class MissingFileError(UserError, FileNotFoundError):
    """A file or folder that was named isn't there."""

    # OSError's own text would be that of an errno.
    __str__ = Exception.__str__


class MissingLibraryError(UserError, ImportError):
    """A package can't be imported, as the system lacks a library that it needs."""


class RunStopped(Exception):
    """A signal ended a training before its last epoch; what it had reached is in its work dir, to be resumed from.

    Args:
        message: what was reached, and where it is.
        signal_number: of the signal.
    """

    def __init__(self, message: str, signal_number: int):
        super().__init__(message, signal_number)
        self.message, self.signal_number = message, signal_number

    def __str__(self) -> str:
        return self.message

    @property
    def status(self) -> int:
        """The exit status, as of a process that the signal itself ended: 128 and its number."""
        return 128 + self.signal_number
