"""Signals that ask a training to stop: noted while it trains, and answered by all its processes at once."""

import os
import signal
import threading
from collections.abc import Callable

import torch
from mmengine.dist import all_reduce, get_world_size


class StopRequest:
    """Context manager that notes SIGTERM, SIGINT and SIGUSR1 in the place of what they do otherwise.

    A second SIGINT raises KeyboardInterrupt at once. What somebody else does with SIGTERM or SIGINT is left alone. If somebody has
    a handler for SIGUSR2, as submitit in a job of Slurm, that is noted as well; who installed it gets it again from the exit status.
    Outside of the main thread, where Python takes no signals, nothing is noted.

    Args:
        then: called when a signal was noted; None for nothing.
    """

    def __init__(self, then: Callable[[], object] | None = None):
        self._then = then
        self._number = 0
        self._before: dict[int, object] = {}

    def __enter__(self) -> "StopRequest":
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1, signal.SIGUSR2):
                if self._is_ours(number):
                    self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *_) -> None:
        while self._before:
            signal.signal(*self._before.popitem())

    def agreed(self) -> int:
        """Returns the number of the signal that any process of the run got, 0 for none. All processes call it together."""
        if get_world_size() == 1:
            return self._number
        number = torch.tensor(self._number)
        all_reduce(number, "max")
        return int(number)

    @staticmethod
    def _is_ours(number: int) -> bool:
        handler = signal.getsignal(number)
        if number == signal.SIGUSR1:
            return True
        if number == signal.SIGUSR2:
            return callable(handler)
        return handler in (signal.SIG_DFL, signal.default_int_handler)

    def _note(self, number: int, frame) -> None:
        if number == signal.SIGINT and self._number:
            raise KeyboardInterrupt
        self._number = self._number or number
        # Not print, which fails where the signal came within another print.
        os.write(2, f"{signal.Signals(number).name}: the run stops after this iteration\n".encode())
        if self._then is not None:
            self._then()
