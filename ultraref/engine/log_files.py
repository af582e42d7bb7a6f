"""The files that runs log to, of which a process that starts many runs would keep one open for each."""

import logging

from mmengine.logging import MMLogger


def release_log_files(logger: MMLogger) -> None:
    """Closes the files of a run's log. A later message opens its file again and is added to it."""
    for handler in logger.handlers:
        if isinstance(handler, logging.FileHandler):
            # MMEngine's mode "w" would begin the file anew, which Python refuses after a close: the message would be lost.
            handler.mode = "a"
            handler.close()
