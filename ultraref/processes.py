"""Processes that end when the one that started them does, in whatever way; also when it was killed and could tell nobody."""

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable

# Seconds between two looks at the parent.
_PAUSE = 1.0
# What a whole process group may get: from a terminal, from Slurm, from `kill -- -GROUP`.
_GROUP_SIGNALS = {signal.SIGINT, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2}


def end_with_parent(seconds: float = 0.0) -> None:
    """Ends this process when its parent has ended: by SIGTERM, which it may answer, and `seconds` later by SIGKILL.

    For a process that is of no use alone, such as one of several that `torchrun` started.
    """
    parent = os.getppid()
    threading.Thread(target=_end_with, args=(parent, seconds), daemon=True).start()


def follow_parent() -> None:
    """Leaves the signals of a process group to the parent, and ends when it says so (SIGTERM) or has ended.

    For a process of `multiprocessing` that works for its parent. Ctrl-C, Slurm and `kill` reach all processes of a group, and the
    parent may need this one to finish what it began. To be called before the process starts threads.
    """
    parent = multiprocessing.parent_process().pid
    # Threads that are started later take this over, so that the signals wait for the thread below.
    signal.pthread_sigmask(signal.SIG_BLOCK, _GROUP_SIGNALS)
    threading.Thread(target=_obey, args=(parent,), daemon=True).start()


class FollowingWorker:
    """A `worker_init_fn` of data loaders: `follow_parent`, and then another one.

    Args:
        then: called with the worker's number; None for nothing.
    """

    def __init__(self, then: Callable[[int], None] | None = None):
        self.then = then

    def __call__(self, number: int) -> None:
        follow_parent()
        if self.then is not None:
            self.then(number)


def _end_with(parent: int, seconds: float) -> None:
    while os.getppid() == parent:
        time.sleep(_PAUSE)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(seconds)
    os.kill(os.getpid(), signal.SIGKILL)


def _obey(parent: int) -> None:
    while os.getppid() == parent:
        received = signal.sigtimedwait(_GROUP_SIGNALS, _PAUSE)
        if received is not None and received.si_signo == signal.SIGTERM and received.si_pid == parent:
            break
    # Not sys.exit, which ends a thread; what the process had open goes with it.
    os._exit(0)
