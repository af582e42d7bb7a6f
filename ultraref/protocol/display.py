"""What a user sees of a running protocol: one live table on a terminal, few lines in a log file."""

import time
from collections.abc import Mapping, Sequence

from rich import box
from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.table import Table

from ultraref.protocol.state import (
    DONE,
    FAILED,
    FINISHED,
    KEPT,
    RUNNING,
    STOPPED,
    WAITING,
    State,
    by_title,
    expected_seconds,
    seconds_left,
)

# Rows of the table, so that it fits on a screen with what comes after it.
_ROWS = 24
# With more steps a log file gets lines for titles, not for single steps.
_SINGLE = 40


class Display:
    """Shows the states of steps.

    Args:
        states: by name, in the order of the plan; they change while it is shown.
        name: of the protocol.
        work_dir: where its logs are.
        jobs: how many steps run at a time.
        console: where to; by default the standard output.
    """

    def __init__(
        self, states: Mapping[str, State], name: str, work_dir: str, jobs: int, console: Console | None = None
    ):
        self.console = console or Console(highlight=False, soft_wrap=True)
        self._states, self._name, self._work_dir, self._jobs = states, name, work_dir, jobs
        self._begun = time.monotonic()
        self._live: Live | None = None
        self._titles: set[str] = set()

    def __enter__(self) -> "Display":
        kept = sum(state.status == KEPT for state in self._states.values())
        if self.console.is_terminal:
            self._live = Live(self.table(), console=self.console, auto_refresh=False)
            self._live.start()
        else:
            already = f", {kept} of them finished before and kept" if kept else ""
            self._say(f"protocol {self._name}: {len(self._states)} steps{already}; logs in {self._work_dir}/logs")
        return self

    def __exit__(self, *_) -> None:
        if self._live is not None:
            self.update()
            self._live.stop()
            self._live = None

    def update(self) -> None:
        """Draws the table again."""
        if self._live is not None:
            self._live.update(self.table(), refresh=True)

    def changed(self, state: State) -> None:
        """Says in a log file that a step has started or ended."""
        if self._live is not None or self.console.is_terminal:
            return
        if len(self._states) <= _SINGLE or state.status in (FAILED, STOPPED):
            self._say(f"{state.step.name}: {_sentence(state)}{self._left(state)}")
            return
        title = state.step.title
        same = by_title(self._states)[title]
        if title not in self._titles:
            self._titles.add(title)
            self._say(f"{title}: {len(same)} steps")
        elif all(other.status in FINISHED for other in same):
            self._say(
                f"{title}: all {len(same)} done, {_time(sum(other.seconds for other in same))}{self._left(state)}"
            )

    def table(self) -> Table:
        """Returns the table: a row for each title."""
        left = seconds_left(self._states, self._jobs)
        ended = all(state.status not in (WAITING, RUNNING) for state in self._states.values())
        rest = "" if ended or left is None else f", about {_time(left)} to go"
        table = Table(
            box=box.SIMPLE_HEAVY,
            title=escape(f"{self._name}, logs in {self._work_dir}/logs"),
            caption=f"{_time(time.monotonic() - self._begun)} so far{rest}",
            title_justify="left",
            caption_justify="left",
        )
        for heading in ("Step", "Done", "Progress", "Time", "Expected"):
            table.add_column(heading, justify="right" if heading in ("Done", "Time", "Expected") else "left")
        rows = by_title(self._states)
        hidden = self._hidden(rows)
        expected = expected_seconds(self._states)
        for title, states in rows.items():
            if title not in hidden:
                done = sum(state.status in FINISHED for state in states)
                used = sum(state.used for state in states)
                total = [expected[state.step.name] for state in states if state.status != KEPT]
                table.add_row(
                    escape(title),
                    f"{done}/{len(states)}",
                    _progress(states),
                    _time(used) if used else "",
                    "" if None in total or not total else _time(sum(total)),
                )
        if hidden:
            steps = [state for title in hidden for state in rows[title]]
            table.add_row(
                f"{len(hidden)} more rows",
                f"{sum(state.status in FINISHED for state in steps)}/{len(steps)}",
                "",
                "",
                "",
            )
        return table

    @staticmethod
    def _hidden(rows: Mapping[str, Sequence[State]]) -> set[str]:
        """The titles that have no place: the finished ones first, then those that wait."""

        def rank(title: str) -> int:
            statuses = {state.status for state in rows[title]}
            return 0 if statuses <= set(FINISHED) else 1 if statuses == {WAITING} else 2

        too_many = max(0, len(rows) - _ROWS + 1) if len(rows) > _ROWS else 0
        return set(sorted(rows, key=rank)[:too_many])

    def _left(self, state: State) -> str:
        left = seconds_left(self._states, self._jobs) if state.status == DONE else None
        return "" if left is None else f", about {_time(left)} to go"

    def _say(self, text: str) -> None:
        self.console.print(escape(text))


def plan_lines(states: Mapping[str, State]) -> list[str]:
    """Returns the plan in words, for `--dry-run`: a line a step that would run, or a title where there are many."""
    running = [state for state in states.values() if state.status != KEPT]
    lines = [f"{len(states)} steps, {len(states) - len(running)} of them are finished"]
    if len(running) <= _SINGLE:
        return lines + [f"{state.step.name}: {state.reason}" for state in running]
    for title, same in by_title({state.step.name: state for state in running}).items():
        lines.append(f"{title}: {len(same)} steps; {same[0].step.name}: {same[0].reason}")
    return lines


def _progress(states: Sequence[State]) -> str:
    for status in (FAILED, STOPPED):
        names = [state.step.name for state in states if state.status == status]
        if names:
            return escape(f"{status}: {names[0]}")
    running = [state for state in states if state.status == RUNNING]
    if running:
        told = [state.progress for state in running if state.progress is not None]
        slowest = min(told, key=lambda progress: progress.share).text if told else "starts"
        return slowest if len(running) == 1 else f"{len(running)} run, the last at {slowest}"
    if all(state.status == KEPT for state in states):
        return "finished before"
    return "done" if all(state.status in FINISHED for state in states) else "waits"


def _sentence(state: State) -> str:
    if state.status == RUNNING:
        return f"starts ({state.reason})"
    if state.status == KEPT:
        return "finished before, kept"
    return f"{state.status} after {_time(state.seconds)}"


def _time(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {seconds:02d} s" if minutes else f"{seconds} s"
