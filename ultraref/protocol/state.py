"""How steps stand while a protocol runs, and how long the rest will take."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ultraref.protocol.fingerprint import seconds_of
from ultraref.protocol.progress import Progress
from ultraref.protocol.step import Plan, Step

WAITING, RUNNING, KEPT, DONE, FAILED, STOPPED = "waiting", "running", "kept", "done", "failed", "stopped"
FINISHED = (KEPT, DONE)
# Share of a step from which on its own pace tells how long it takes.
_TELLS = 0.05


@dataclass
class State:
    """How a step stands.

    Attributes:
        step: the step.
        status: WAITING, RUNNING, KEPT (finished by an earlier call), DONE, FAILED or STOPPED.
        reason: why it runs, in words.
        last_seconds: what it took when it last ran.
        begun: when it started, by `time.monotonic`.
        seconds: what it took.
        log_start: bytes of its log that earlier calls wrote.
        progress: how far it is.
    """

    step: Step
    status: str = WAITING
    reason: str = ""
    last_seconds: float | None = None
    begun: float = 0.0
    seconds: float = 0.0
    log_start: int = 0
    progress: Progress | None = None

    @property
    def used(self) -> float:
        """Seconds so far."""
        return time.monotonic() - self.begun if self.status == RUNNING else self.seconds


def first_states(plan: Plan) -> dict[str, State]:
    """Returns the states of all steps before anything is known, by name."""
    return {step.name: State(step, last_seconds=seconds_of(step)) for step in plan.steps}


def expected_seconds(states: Mapping[str, State]) -> dict[str, float | None]:
    """Returns what each step will take in all, by name; None where nothing tells.

    A running step's own pace tells, else the mean of those of its title that are done, else what it took the last time.
    """
    done: dict[str, list[float]] = {}
    for state in states.values():
        if state.status == DONE:
            done.setdefault(state.step.title, []).append(state.seconds)
        elif state.status == KEPT and state.last_seconds is not None:
            done.setdefault(state.step.title, []).append(state.last_seconds)
    return {name: _expected(state, done.get(state.step.title, [])) for name, state in states.items()}


def seconds_left(states: Mapping[str, State], jobs: int) -> float | None:
    """Returns about how long the rest takes with so many steps at a time; None where nothing tells."""
    expected = expected_seconds(states)
    left = [
        None if expected[name] is None else max(expected[name] - state.used, 0.0)
        for name, state in states.items()
        if state.status in (WAITING, RUNNING)
    ]
    if None in left:
        return None
    return max([sum(left) / max(jobs, 1), *left], default=0.0)


def by_title(states: Mapping[str, State]) -> dict[str, Sequence[State]]:
    """Returns the states of the steps of each title, in the order of the plan."""
    found: dict[str, list[State]] = {}
    for state in states.values():
        found.setdefault(state.step.title, []).append(state)
    return found


def _expected(state: State, done: Sequence[float]) -> float | None:
    if state.status in (DONE, FAILED, STOPPED):
        return state.seconds
    if state.status == RUNNING and state.progress is not None and state.progress.share > _TELLS:
        return state.used / state.progress.share
    if done:
        return sum(done) / len(done)
    return state.last_seconds
