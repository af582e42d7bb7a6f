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
