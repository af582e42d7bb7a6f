"""What is shown while a protocol runs: the table, the lines of a log file, the time that is left."""

import io
import time

import pytest
from rich.console import Console

from ultraref.protocol.display import Display, plan_lines
from ultraref.protocol.progress import Progress, last_lines, read_progress
from ultraref.protocol.state import DONE, FAILED, KEPT, RUNNING, State, expected_seconds, seconds_left
from ultraref.protocol.step import Step


def state(name, title, status="waiting", **options) -> State:
    return State(Step(name, title.split()[0], title, f"{name}.pth"), status, reason="not done yet", **options)


def states(*items) -> dict[str, State]:
    return {item.step.name: item for item in items}


def show(display) -> str:
    console = Console(file=io.StringIO(), width=120, color_system=None)
    console.print(display.table())
    return console.file.getvalue()


def display_of(items, terminal=False, jobs=1) -> Display:
    console = Console(file=io.StringIO(), width=120, force_terminal=terminal, color_system=None)
    return Display(items, "busi", "work_dirs/busi", jobs, console)


def test_the_table_counts_steps_and_shows_progress_and_time():
    now = time.monotonic()
    items = states(
        state("a0", "phase1 unet", DONE, seconds=100.0),
        state("a1", "phase1 unet", RUNNING, begun=now - 30, progress=Progress(0.5, "epoch 3 of 6")),
        state("a2", "phase1 unet", RUNNING, begun=now - 30, progress=Progress(0.25, "epoch 2 of 6")),
        state("b0", "test unet", KEPT, last_seconds=5.0),
    )
    text = show(display_of(items))
    (row,) = (line for line in text.splitlines() if "phase1" in line)
    # 100 s, half of 60 s, a quarter of 120 s: 280 s.
    assert row.split() == [
        "phase1",
        "unet",
        "1/3",
        "2",
        "run,",
        "the",
        "last",
        "at",
        "epoch",
        "2",
        "of",
        "6",
        "2",
        "min",
        "40",
        "s",
        "4",
        "min",
        "40",
        "s",
    ]
    assert "finished before" in text
    assert "logs in work_dirs/busi/logs" in text
    assert "about 2 min 00 s to go" in text


def test_what_is_left_follows_from_the_same_steps_of_other_folds():
    now = time.monotonic()
    items = states(
        state("a0", "phase1 unet", DONE, seconds=100.0),
        state("a1", "phase1 unet", DONE, seconds=200.0),
        state("a2", "phase1 unet", RUNNING, begun=now - 60),
        state("b0", "test unet", last_seconds=10.0),
    )
    assert expected_seconds(items) == dict(a0=100.0, a1=200.0, a2=150.0, b0=10.0)
    assert seconds_left(items, 1) == pytest.approx(100, abs=1)
    # Two at a time: the longest decides.
    assert seconds_left(items, 2) == pytest.approx(90, abs=1)
    items["b0"].last_seconds = None
    assert seconds_left(items, 1) is None


def test_a_long_protocol_fits_on_a_screen():
    items = states(*(state(f"s{n}", f"phase3 variant{n}", KEPT if n < 30 else "waiting") for n in range(50)))
    items["s45"].status = RUNNING
    text = show(display_of(items))
    assert len(text.splitlines()) <= 30
    assert "variant45" in text
    # Rows for 23 of 50: what is finished gives way first.
    assert "27 more rows 27/27" in " ".join(text.split())


def test_a_log_file_gets_two_lines_a_step():
    items = states(state("a", "phase1 unet"), state("b", "test unet", KEPT))
    display = display_of(items)
    with display:
        items["a"].status = RUNNING
        display.changed(items["a"])
        items["a"].status, items["a"].seconds = DONE, 61.0
        display.changed(items["a"])
        display.update()
    lines = display.console.file.getvalue().splitlines()
    assert lines == [
        "protocol busi: 2 steps, 1 of them finished before and kept; logs in work_dirs/busi/logs",
        "a: starts (not done yet)",
        "a: done after 1 min 01 s, about 0 s to go",
    ]


def test_a_log_file_of_a_long_protocol_gets_two_lines_a_title():
    items = states(*(state(f"s{n}", f"phase1 fold{n % 5}") for n in range(200)))
    display = display_of(items)
    with display:
        for item in items.values():
            for item.status in (RUNNING, DONE):
                display.changed(item)
    lines = display.console.file.getvalue().splitlines()
    assert len(lines) == 1 + 2 * 5
    items["s0"].status = FAILED
    display.changed(items["s0"])
    assert "s0: failed after 0 s" in display.console.file.getvalue()


def test_a_terminal_gets_the_table_alone():
    items = states(state("a", "phase1 unet"))
    display = display_of(items, terminal=True)
    with display:
        items["a"].status = RUNNING
        display.changed(items["a"])
    text = display.console.file.getvalue()
    assert "starts (" not in text
    assert "phase1 unet" in text


def test_a_dry_run_says_why():
    items = states(state("a", "phase1 unet"), state("b", "test unet", KEPT))
    assert plan_lines(items) == ["2 steps, 1 of them are finished", "a: not done yet"]
    many = states(*(state(f"s{n}", f"phase1 fold{n % 5}") for n in range(100)))
    assert len(plan_lines(many)) == 6


LOG = """=== train_x
11/25 19:02:22 - mmengine - INFO - Epoch(train)  [1][44/44]  lr: 1.0e-03
11/25 19:02:22 - mmengine - INFO - Epoch(val) [1][5/5]    val_coarse/dice: 0.05
11/25 19:02:22 - mmengine - INFO - Epoch(train)  [2][11/44]  lr: 1.0e-03
"""


def test_progress_is_read_from_the_log_of_this_call(tmp_path):
    log = tmp_path / "x.log"
    step = Step("train_x", "phase1", "phase1", "x.pth", epochs=4)
    assert read_progress(step, log) is None
    log.write_text(LOG)
    assert read_progress(step, log) == Progress((1 + 0.25) / 4, "epoch 2 of 4")
    assert read_progress(step, log, start=len(LOG)) is None
    log.write_text("INFO - Epoch(test) [ 5/20]    eta: 0:00:01\n")
    assert read_progress(step, log) == Progress(0.25, "batch 5 of 20")
    log.write_text("one\n\n 10%\r 20%\rtwo\n")
    assert last_lines(log, 2) == [" 20%", "two"]
