"""Runs the steps of a plan, each when those that it needs are finished, until all are or one fails."""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol as Interface

from ultraref.protocol.display import Display
from ultraref.protocol.fingerprint import Fingerprints
from ultraref.protocol.progress import last_lines, read_progress
from ultraref.protocol.state import DONE, FAILED, FINISHED, KEPT, RUNNING, STOPPED, WAITING, State
from ultraref.protocol.step import Plan, Step

# Seconds between two looks at what runs.
_PAUSE = 0.5
# Lines of a failed step's log that are shown.
_TAIL = 15


class Launcher(Interface):
    """Where steps run: `LocalLauncher`, `SubmititLauncher`."""

    # Whether a step may be started before those that it needs are finished, as the launcher makes it wait.
    takes_dependencies: bool
    # How long it may take until what a step wrote is seen here.
    settling_seconds: float

    def has_room(self) -> bool:
        """Whether one more may start."""

    def start(self, step: Step) -> None:
        """Starts a step."""

    def ended(self) -> dict[str, int]:
        """Returns the exit status of those that ended since the last call, by name."""

    def wait(self, seconds: float) -> None:
        """Waits so long, or less if one ends."""

    def stop(self) -> None:
        """Ends all that run."""


class Runner:
    """Runs a plan.

    Args:
        plan: the plan.
        states: of its steps; changed as it goes on.
        fingerprints: tell what is finished.
        launcher: where steps run.
        display: shows the states.
    """

    def __init__(
        self,
        plan: Plan,
        states: dict[str, State],
        fingerprints: Fingerprints,
        launcher: Launcher,
        display: Display,
    ):
        self._plan, self._states, self._fingerprints = plan, states, fingerprints
        self._launcher, self._display = launcher, display

    def run(self) -> int:
        """Runs all, and returns the exit status: 0, 1 after a failure, 128 and the signal's number after a signal."""
        with _noted_signals() as received, self._display:
            try:
                while not received and self._goes_on():
                    self._launcher.wait(_PAUSE)
            finally:
                self._stop()
        failed = [state for state in self._states.values() if state.status == FAILED]
        for state in failed:
            self._explain(state)
        return 128 + received[0] if received else int(bool(failed))

    def _goes_on(self) -> bool:
        """Takes note of what ended and starts what can be; returns whether something runs."""
        for name, status in self._launcher.ended().items():
            self._end(self._states[name], status)
        if any(state.status == FAILED for state in self._states.values()):
            return False
        for state in self._states.values():
            if state.status == WAITING:
                self._try(state)
            elif state.status == RUNNING:
                state.progress = read_progress(state.step, self._plan.log(state.step), state.log_start)
        self._display.update()
        return any(state.status == RUNNING for state in self._states.values())

    def _try(self, state: State) -> None:
        before = [self._states[name].status for name in state.step.after if name in self._states]
        if all(status in FINISHED for status in before):
            reason = self._fingerprints.why(state.step)
            if reason is None:
                state.status = KEPT
                self._display.changed(state)
                return
            state.reason = reason
        elif not (self._launcher.takes_dependencies and all(status in (*FINISHED, RUNNING) for status in before)):
            return
        if self._launcher.has_room():
            log = self._plan.log(state.step)
            state.log_start = log.stat().st_size if log.is_file() else 0
            state.begun = time.monotonic()
            state.status = RUNNING
            self._launcher.start(state.step)
            self._display.changed(state)

    def _end(self, state: State, status: int) -> None:
        state.seconds = time.monotonic() - state.begun
        state.status = DONE if status == 0 and self._has_left_its_result(state.step) else FAILED
        self._display.changed(state)

    def _has_left_its_result(self, step: Step) -> bool:
        until = time.monotonic() + self._launcher.settling_seconds
        while self._fingerprints.why(step) is not None:
            if time.monotonic() >= until:
                return False
            time.sleep(1.0)
        return True

    def _stop(self) -> None:
        """Ends what still runs, after a failure or a signal."""
        running = [state for state in self._states.values() if state.status == RUNNING]
        if running:
            self._launcher.stop()
        for state in running:
            state.seconds = time.monotonic() - state.begun
            state.status = STOPPED
            self._display.changed(state)

    def _explain(self, state: State) -> None:
        log = self._plan.log(state.step)
        say = self._display.console.print
        say(f"\n{state.step.name} failed. The end of its log:", markup=False)
        for line in last_lines(log, _TAIL, state.log_start):
            say(f"    {line}", markup=False)
        say(f"The whole log: {log}. The same command goes on from here.", markup=False)


def check_finished(states: dict[str, State], fingerprints: Fingerprints) -> None:
    """Sets the status of the steps that are finished, and of the others the reason why they run."""
    for state in states.values():
        waits_for = [name for name in state.step.after if name in states and states[name].status != KEPT]
        state.reason = f"after {waits_for[0]}" if waits_for else fingerprints.why(state.step) or ""
        if not state.reason:
            state.status = KEPT


@contextmanager
def _noted_signals() -> Iterator[list[int]]:
    """While it lasts, SIGINT, SIGTERM and SIGHUP are noted in the list and do nothing else."""
    received: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield received
        return
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, lambda number, _: received.append(number)) for number in numbers}
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
