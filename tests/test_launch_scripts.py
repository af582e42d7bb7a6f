"""The shell scripts of tools/ that start several processes: what they start, and that it runs on two CPU processes."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).parents[1]
TOOLS = ROOT / "tools"
SCRIPTS = ("dist_train.sh", "dist_test.sh", "slurm_train.sh", "slurm_test.sh")
NAMES = ("NNODES", "NODE_RANK", "PORT", "MASTER_ADDR", "GPUS", "GPUS_PER_NODE", "CPUS_PER_TASK", "SRUN_ARGS", "PYTHON")


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Runs a script with a python and an srun that print each of their arguments on a line; returns these."""
    for name in ("python", "srun"):
        (tmp_path / name).write_text(f"#!/bin/sh\necho {name} $MASTER_PORT\nprintf '%s\\n' \"$@\"\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    for name in (*NAMES, "MASTER_PORT"):
        monkeypatch.delenv(name, raising=False)

    def run(script, *arguments, **environment):
        command = ["bash", str(TOOLS / script), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env={**os.environ, **environment})
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    return run


@pytest.mark.parametrize("script", SCRIPTS)
def test_shell_reads_them_and_they_say_what_they_take(script):
    path = TOOLS / script
    assert os.access(path, os.X_OK)
    assert subprocess.run(["bash", "-n", str(path)]).returncode == 0
    done = subprocess.run(["bash", str(path), "CONFIG"], capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.startswith(f"usage: {path} ")


def test_training_and_test_on_one_machine(run):
    assert run("dist_train.sh", "my config.py", "2", "--set", "busi") == [
        *("python", "-m", "torch.distributed.run", "--nnodes=1", "--node-rank=0", "--master-addr=127.0.0.1"),
        *("--master-port=29500", "--nproc-per-node=2", f"{TOOLS}/train.py", "my config.py"),
        *("--launcher", "pytorch", "--set", "busi"),
    ]
    tested = run("dist_test.sh", "config.py", "best.pth", "3", "--tta")
    assert tested[7:] == [
        *("--nproc-per-node=3", f"{TOOLS}/test.py", "config.py", "best.pth", "--launcher", "pytorch", "--tta")
    ]


def test_variables_name_machines_and_port(run):
    words = run("dist_train.sh", "c.py", "8", NNODES="2", NODE_RANK="1", MASTER_ADDR="first", PORT="1234")
    assert words[3:8] == [
        *("--nnodes=2", "--node-rank=1", "--master-addr=first", "--master-port=1234", "--nproc-per-node=8")
    ]


def test_slurm(run):
    assert run("slurm_train.sh", "gpu", "name", "c.py", "--requeue", SRUN_ARGS="--signal=USR1@90 --time=60") == [
        *("srun 29500", "--partition=gpu", "--job-name=name", "--gres=gpu:4", "--ntasks=4", "--ntasks-per-node=4"),
        *("--cpus-per-task=5", "--kill-on-bad-exit=1", "--signal=USR1@90", "--time=60", "python", "-u"),
        *(f"{TOOLS}/train.py", "c.py", "--launcher", "slurm", "--requeue"),
    ]
    words = run("slurm_train.sh", "gpu", "name", "c.py", GPUS="2", CPUS_PER_TASK="9", PORT="1234")
    assert words[:1] + words[3:7] == [
        *("srun 1234", "--gres=gpu:2", "--ntasks=2", "--ntasks-per-node=2", "--cpus-per-task=9")
    ]
    words = run("slurm_test.sh", "gpu", "name", "c.py", "best.pth", "--out", "masks", GPUS="16", GPUS_PER_NODE="8")
    assert words[3:6] == ["--gres=gpu:8", "--ntasks=16", "--ntasks-per-node=8"]
    assert words[-6:] == ["c.py", "best.pth", "--launcher", "slurm", "--out", "masks"]


@pytest.fixture
def recipe(tmp_path, phantom_root, protocol_tools):
    """A tiny coarse network on phantoms, for 500 epochs: words that follow a script's own arguments, config and work dir."""
    built = protocol_tools.write(tmp_path, {"phantoms": phantom_root}, {"phase1": 500})
    words = ["--set", "phantoms", "--fold", "0", "--cfg-options", "default_hooks.overlays=None"]
    return built.phase1, words, Path(built.work_dir, "phantoms_phase1_fold0")


def start(*arguments: str, port: int) -> subprocess.Popen:
    environment = dict(os.environ, OMP_NUM_THREADS="1", PYTHON=sys.executable, PORT=str(port))
    return subprocess.Popen(
        ["bash", *arguments], cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def children(pid: int) -> list[int]:
    found = [each.read_text().split() for each in Path(f"/proc/{pid}/task").glob("*/children")]
    return [int(pid) for words in found for pid in words]


def wait_for(path: Path, process: subprocess.Popen) -> None:
    until = time.monotonic() + 240
    while process.poll() is None and not path.exists() and time.monotonic() < until:
        time.sleep(0.1)
    assert path.exists(), process.communicate()[0][-3000:]


def wait_until_gone(pids, seconds: float) -> bool:
    until = time.monotonic() + seconds
    while any(Path(f"/proc/{pid}").exists() for pid in pids):
        if time.monotonic() > until:
            return False
        time.sleep(0.1)
    return True


@pytest.mark.slow
def test_two_processes_train_stop_at_a_signal_go_on_and_test(recipe, unused_port):
    config, words, work_dir = recipe
    last = work_dir / "last.pth"
    process = start(str(TOOLS / "dist_train.sh"), config, "2", *words, port=unused_port)
    wait_for(last, process)
    process.send_signal(signal.SIGUSR1)
    said = process.communicate(timeout=60)[0]
    assert process.returncode != 0
    assert "stopped by SIGUSR1 after iteration" in said, said[-3000:]
    meta = torch.load(last, weights_only=True)["meta"]
    assert meta["run"]["processes"] == 2

    # torchrun is killed, and can tell nobody.
    process = start(str(TOOLS / "dist_train.sh"), config, "2", "--resume", *words, port=unused_port)
    before = last.stat().st_mtime_ns
    while process.poll() is None and last.stat().st_mtime_ns == before:
        time.sleep(0.1)
    ranks = children(process.pid)
    assert len(ranks) == 2
    process.kill()
    assert wait_until_gone(ranks, 25)
    assert torch.load(last, weights_only=True)["meta"]["iter"] > meta["iter"]
    assert not (work_dir / "run.lock").exists()

    best = str(work_dir / "best.pth")
    process = start(str(TOOLS / "dist_test.sh"), config, best, "2", *words[:4], port=unused_port)
    said = process.communicate(timeout=240)[0]
    assert process.returncode == 0, said[-3000:]
    assert (work_dir / "metrics.json").is_file()


@pytest.mark.slow
def test_all_processes_end_within_a_minute_of_the_death_of_one(recipe, unused_port):
    config, words, work_dir = recipe
    process = start(str(TOOLS / "dist_train.sh"), config, "2", *words, port=unused_port)
    wait_for(work_dir / "last.pth", process)
    ranks = children(process.pid)
    os.kill(ranks[-1], signal.SIGKILL)
    begun = time.monotonic()
    process.communicate(timeout=60)
    assert process.returncode != 0
    assert wait_until_gone(ranks, 60 - (time.monotonic() - begun))


@pytest.fixture
def unused_port() -> int:
    import socket

    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return server.getsockname()[1]
