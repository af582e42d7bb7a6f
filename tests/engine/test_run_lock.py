"""Two runs don't get one work dir; a killed one doesn't keep it."""

import json
import os
import signal
import socket
import subprocess
import sys

import pytest
from engine_toys import toy_config

from ultraref.engine.run_lock import _started, on_main_process, run_lock
from ultraref.errors import UserError

HOLD = "import sys, time\nfrom ultraref.engine.run_lock import run_lock\nwith run_lock(sys.argv[1]):\n print('held', flush=True)\n time.sleep(300)"


def write_lock(work_dir, **owner):
    (work_dir / "run.lock").write_text(json.dumps({"host": socket.gethostname(), "pid": 1, "started": None, **owner}))


@pytest.mark.slow
def test_a_second_run_is_refused_until_the_first_was_killed(tmp_path):
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE)
    try:
        assert process.stdout.readline() == b"held\n"
        message = rf"in use by process {process.pid} of this host\. .*remove .*run\.lock"
        with pytest.raises(UserError, match=message), run_lock(tmp_path):
            pass
    finally:
        process.send_signal(signal.SIGKILL)
    # Ended, but not yet waited for, a process still has its number.
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    with run_lock(tmp_path):
        assert json.loads((tmp_path / "run.lock").read_text())["pid"] == os.getpid()
    process.wait()
    assert list(tmp_path.iterdir()) == []


def test_a_second_run_in_one_work_dir_is_refused_before_it_writes(tmp_path, make_runner):
    write_lock(tmp_path, pid=os.getppid(), started=_started(os.getppid()))
    cfg = toy_config(tmp_path, epochs=1)
    cfg.filename = None
    runner = make_runner(cfg)
    before = sorted(path.name for path in tmp_path.iterdir())
    with pytest.raises(UserError, match="in use by process"):
        runner.train()
    assert sorted(path.name for path in tmp_path.iterdir()) == before
    assert not list(tmp_path.glob("*.py"))


def test_a_lock_of_another_host_is_refused_with_how_to_remove_it(tmp_path):
    write_lock(tmp_path, host="elsewhere", pid=7)
    with pytest.raises(UserError, match=r"process 7 on host elsewhere, .*remove .*run\.lock"), run_lock(tmp_path):
        pass
    assert (tmp_path / "run.lock").exists()


@pytest.mark.parametrize("text", ["", "[1]", '{"pid": 1}'])
def test_a_lock_that_cannot_be_read_is_refused(tmp_path, text):
    (tmp_path / "run.lock").write_text(text)
    with pytest.raises(UserError, match=r"run\.lock can't be read"), run_lock(tmp_path):
        pass


@pytest.mark.skipif(not os.path.exists("/proc/self/stat"), reason="the system doesn't say when a process began")
def test_a_number_that_another_process_has_now_is_stale(tmp_path):
    write_lock(tmp_path, pid=os.getppid(), started="1")
    with run_lock(tmp_path):
        pass
    assert not (tmp_path / "run.lock").exists()


def test_the_lock_goes_with_the_run_also_after_an_error_and_may_be_asked_for_twice(tmp_path):
    def fail():
        with run_lock(tmp_path), run_lock(tmp_path / "."):
            assert (tmp_path / "run.lock").exists()
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert not (tmp_path / "run.lock").exists()


def test_a_file_in_the_place_of_the_work_dir_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="file is a file, not a folder"), run_lock(tmp_path / "file"):
        pass


def test_what_the_main_process_refuses_every_process_refuses():
    def refuse():
        raise UserError("no")

    assert on_main_process(lambda: 3) == 3
    with pytest.raises(UserError, match="no"):
        on_main_process(refuse)


def test_a_job_that_was_queued_again_takes_its_own_lock_from_another_host(tmp_path, monkeypatch):
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    monkeypatch.setenv("SLURM_RESTART_COUNT", "1")
    write_lock(tmp_path, host="elsewhere", job=["7", 0])
    with run_lock(tmp_path):
        assert json.loads((tmp_path / "run.lock").read_text())["job"] == ["7", 1]
    for job in (["7", 1], ["8", 0], None):
        write_lock(tmp_path, host="elsewhere", job=job)
        with pytest.raises(UserError, match="on host elsewhere"), run_lock(tmp_path):
            pass
