"""Queueing a job again, with a made-up scontrol, from its own process and from a training."""

import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from ultraref.engine.requeue import check_requeue, requeue, was_requeued
from ultraref.errors import UserError

ROOT = Path(__file__).parents[2]


@pytest.fixture
def scontrol(tmp_path, monkeypatch):
    """Puts a scontrol on the PATH that writes down what it is asked; returns a function that gives it a state and a status."""
    folder = tmp_path / "bin"
    folder.mkdir()
    path = folder / "scontrol"
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")

    def write(state="RUNNING", status=0):
        path.write_text(
            f'#!/bin/sh\necho "$@" >> {tmp_path}/calls\n[ "$1" = show ] && echo "JobId=$3 JobState={state} Reason=None"\n'
            f'[ "$1" = requeue ] && {{ echo "a word of Slurm" >&2; exit {status}; }}\nexit 0\n'
        )
        path.chmod(path.stat().st_mode | stat.S_IXUSR)

    write()
    return write


def calls(tmp_path) -> list[str]:
    return (tmp_path / "calls").read_text().splitlines()


def test_signals_queue_a_job_again_unless_it_was_cancelled(tmp_path, scontrol):
    job = {"SLURM_JOB_ID": "7"}
    assert requeue(signal.SIGUSR1, job) == "job 7 is queued again"
    assert calls(tmp_path) == ["requeue 7"]
    assert requeue(signal.SIGTERM, job) == "job 7 is queued again"
    assert calls(tmp_path)[1:] == ["show job 7", "requeue 7"]
    scontrol(state="CANCELLED")
    assert requeue(signal.SIGTERM, job) == "job 7 isn't queued again, as it was cancelled"
    assert requeue(signal.SIGINT, job) == "not queued again, as a person stopped it"
    assert calls(tmp_path)[3:] == ["show job 7"]
    scontrol(status=3)
    assert requeue(signal.SIGUSR1, job) == "scontrol requeue 7 failed with status 3: a word of Slurm"


def test_what_is_no_job_is_refused_before_the_training(monkeypatch, tmp_path):
    with pytest.raises(UserError, match="there is no SLURM_JOB_ID"):
        check_requeue({})
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match="calls scontrol, which isn't on the PATH"):
        check_requeue({"SLURM_JOB_ID": "7"})
    assert not was_requeued({"SLURM_RESTART_COUNT": "0"})
    assert was_requeued({"SLURM_RESTART_COUNT": "2"})


def meta(path: Path) -> dict:
    return torch.load(path, weights_only=True)["meta"]


@pytest.mark.slow
def test_a_training_saves_queues_its_job_again_and_goes_on_there(tmp_path, scontrol, phantom_root, protocol_tools):
    """With data workers, and signals to the whole process group, as Slurm sends them."""
    built = protocol_tools.write(tmp_path, {"phantoms": phantom_root}, {"phase1": 500})
    command = [sys.executable, str(ROOT / "tools/train.py"), built.phase1, "--set", "phantoms", "--fold", "0"]
    command += ["--requeue", "--cfg-options", "train_dataloader.num_workers=2", "default_hooks.overlays=None"]
    command += ["visualizer.vis_backends=[]", "train_cfg.val_interval=3"]
    environment = dict(os.environ, OMP_NUM_THREADS="1", PYTHONPATH=str(ROOT), SLURM_JOB_ID="7")
    last = Path(built.work_dir, "phantoms_phase1_fold0", "last.pth")
    reached = []
    for restarts, number in enumerate([signal.SIGUSR1, signal.SIGTERM]):
        environment["SLURM_RESTART_COUNT"] = str(restarts)
        process = subprocess.Popen(
            command,
            env=environment,
            cwd=ROOT,
            start_new_session=True,
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
        )
        before = last.stat().st_mtime_ns if last.exists() else 0
        while process.poll() is None and not (last.exists() and last.stat().st_mtime_ns > before):
            time.sleep(0.02)
        os.killpg(process.pid, number)
        begun = time.monotonic()
        said = process.communicate(timeout=60)[1].decode()
        # 0.6 s of computing.
        assert time.monotonic() - begun < 20
        assert process.returncode == 128 + number, said
        assert "Traceback" not in said
        assert f"stopped by {signal.Signals(number).name} after iteration" in said
        assert said.endswith("goes on from there; job 7 is queued again\n")
        reached.append(meta(last)["iter"])
        assert not last.with_name("run.lock").exists()
    assert calls(tmp_path) == ["requeue 7", "show job 7", "requeue 7"]
    assert reached[1] > reached[0] > 0
    # It went on in the same folder.
    assert not list(last.parent.glob("earlier_*"))
