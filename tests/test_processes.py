"""No process outlives the one that it works for, and none ends before it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def wait_until_gone(pids, seconds: float) -> bool:
    until = time.monotonic() + seconds
    while any(map(is_running, pids)):
        if time.monotonic() > until:
            return False
        time.sleep(0.05)
    return True


def start(*command: str) -> subprocess.Popen:
    environment = dict(os.environ, OMP_NUM_THREADS="1", PYTHONPATH=str(ROOT))
    return subprocess.Popen(
        [sys.executable, *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment,
        start_new_session=True,
    )


def test_data_workers_leave_signals_to_the_run_and_end_with_it(tmp_path):
    process = start(str(ROOT / "tests/engine/stopped_worker.py"), str(tmp_path))
    workers = []
    for line in process.stdout:
        words = line.split()
        if words[0] == "iteration" and int(words[1]) > 3:
            workers = [int(word) for word in words[2:]]
            break
    assert len(workers) == 2, line
    # What Ctrl-C, Slurm and `kill -- -GROUP` reach.
    for worker in workers:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1):
            os.kill(worker, number)
    time.sleep(0.5)
    assert all(map(is_running, workers))
    assert process.poll() is None
    process.kill()
    process.stdout.close()
    process.wait(5)
    assert wait_until_gone(workers, 5)


PARENT = """
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; from ultraref.processes import end_with_parent\\n"
    "end_with_parent(60.0); print('ready', flush=True); time.sleep(600)"], stdout=subprocess.PIPE, start_new_session=True)
child.stdout.readline()
print(child.pid, flush=True)
time.sleep(600)
"""


def test_a_process_ends_with_its_killed_parent_though_in_another_session(tmp_path):
    parent = start("-c", PARENT)
    child = int(parent.stdout.readline())
    parent.kill()
    parent.stdout.close()
    parent.wait(5)
    assert wait_until_gone([child], 5)


@pytest.mark.slow
def test_a_pool_ends_with_its_killed_command(tmp_path):
    parent = start("-m", "ultraref", "phantoms", str(tmp_path / "raw"), "--num", "5000", "--jobs", "2")
    children = []
    until = time.monotonic() + 60
    while len(children) < 2 and time.monotonic() < until:
        task = Path(f"/proc/{parent.pid}/task")
        children = [int(pid) for each in task.glob("*/children") for pid in each.read_text().split()]
        time.sleep(0.05)
    parent.send_signal(signal.SIGTERM)
    parent.stdout.close()
    assert parent.wait(5) == -signal.SIGTERM
    assert wait_until_gone(children, 5)
