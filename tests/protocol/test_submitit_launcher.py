"""Steps as jobs: what is asked of Slurm, and that a job that is preempted goes on to the same numbers."""

import os
import signal
import threading
import time
from pathlib import Path

import pytest

from ultraref.errors import UserError
from ultraref.protocol import submitit_launcher
from ultraref.protocol.definition import Protocol
from ultraref.protocol.step import Plan, Step
from ultraref.protocol.submitit_launcher import StepJob, SubmititLauncher

pytest.importorskip("submitit")

# A cluster of three programs: each job gets the next number and stays as the file STATE says.
PROGRAMS = {
    "sbatch": 'n=$(ls "$CLUSTER" | grep -c "^job"); cp "$1" "$CLUSTER/job$n"; echo "Submitted batch job $n"',
    "srun": "exit 1",
    "sacct": """echo 'JobID|State|NodeList'
for job in "$CLUSTER"/job*; do echo "${job##*/job}|$(cat "$CLUSTER/STATE")|node"; done""",
    "scancel": 'echo "$@" >> "$CLUSTER/cancelled"',
}


@pytest.fixture
def cluster(tmp_path, monkeypatch) -> Path:
    """The folder of a made-up Slurm; job0, job1, ... are the scripts that were submitted."""
    programs, folder = tmp_path / "bin", tmp_path / "cluster"
    programs.mkdir()
    folder.mkdir()
    for name, text in PROGRAMS.items():
        (programs / name).write_text(f"#!/bin/bash\n{text}\n")
        (programs / name).chmod(0o755)
    (folder / "STATE").write_text("PENDING")
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    monkeypatch.setenv("CLUSTER", str(folder))
    return folder


@pytest.fixture
def plan(tmp_path) -> Plan:
    steps = [
        Step("train_a", "phase1", "phase1", "a.pth"),
        Step("train_b", "phase1", "phase1", "b.pth"),
        Step("test_c", "test", "test", "c.json", after=["train_a", "train_b"]),
    ]
    return Plan(steps, str(tmp_path / "work"))


PROTOCOL = Protocol(
    sets={},
    phase3=["x.py"],
    resources=dict(default=dict(gpus=2, minutes=60, partition="gpu", cpus=8, memory_gb=32), test=dict(gpus=0)),
)


def submit(plan) -> SubmititLauncher:
    launcher = SubmititLauncher(plan, PROTOCOL, "slurm")
    for step in plan.steps:
        launcher.start(step)
    return launcher


def flags(script: Path) -> dict[str, str]:
    lines = [line.removeprefix("#SBATCH --") for line in script.read_text().splitlines() if "#SBATCH" in line]
    return {name: value for name, _, value in (line.partition("=") for line in lines)}


def test_slurm_gets_resources_dependencies_and_requeue(cluster, plan):
    launcher = submit(plan)
    assert launcher.takes_dependencies
    first, _, third = (flags(cluster / f"job{n}") for n in range(3))
    assert (first["gpus-per-node"], first["partition"], first["time"], first["cpus-per-task"]) == (
        "2",
        "gpu",
        "60",
        "8",
    )
    assert (first["mem"], first["job-name"]) == ("32GB", "train_a")
    assert "dependency" not in first
    assert third["dependency"] == "afterok:0:1"
    assert third["gpus-per-node"] == "0"
    for job in (first, third):
        assert "requeue" in job
        assert job["kill-on-invalid-dep"] == "yes"


def test_a_second_call_takes_up_the_jobs_that_still_wait(cluster, plan):
    submit(plan)
    again = submit(plan)
    assert len(list(cluster.glob("job*"))) == 3
    again.stop()
    assert sorted((cluster / "cancelled").read_text().split()) == ["0", "1", "2"]
    (cluster / "STATE").write_text("FAILED")
    submitit_launcher._import_submitit().SlurmJob.watcher.clear()
    submit(plan)
    assert len(list(cluster.glob("job*"))) == 6


def test_a_job_that_ended_without_a_result_has_failed(cluster, plan, monkeypatch):
    monkeypatch.setattr(submitit_launcher, "_PAUSE", 0.0)
    launcher = submit(plan)
    watcher = submitit_launcher._import_submitit().SlurmJob.watcher
    assert launcher.ended() == {}
    (cluster / "STATE").write_text("CANCELLED")
    watcher.update()
    assert launcher.ended() == {"train_a": 1, "train_b": 1, "test_c": 1}


def test_a_machine_without_slurm_is_told(plan, monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(UserError, match=r"--launcher slurm: .*slurm cluster"):
        submit(plan)


def test_a_job_of_another_version_of_the_code_refuses(plan):
    job = StepJob(plan.to_dict(), "train_a", False)
    with pytest.raises(RuntimeError, match="ultraref has changed since train_a was submitted"):
        job()


@pytest.mark.slow
def test_a_preempted_job_goes_on(tmp_path, phantom_root, protocol_tools):
    """The signal that Slurm sends before it takes a node away; the job is queued again and resumes."""
    built = protocol_tools.write(tmp_path, {"phantoms": phantom_root}, {"phase1": 40, "gated": 1})
    with open(built.phase3[0], "a") as file:
        file.write("\nmodel['refiner']['checkpoint'] = None\n")
    log = Path(built.work_dir) / "logs/train_phantoms_phase1_fold0.log"
    sent = []

    def preempt() -> None:
        until = time.monotonic() + 120
        while time.monotonic() < until and not sent:
            if log.is_file() and "[3][" in log.read_text():
                sent.extend(_jobs_with_open(log))
                os.kill(sent[0], signal.SIGUSR2)
            time.sleep(0.05)

    thread = threading.Thread(target=preempt)
    thread.start()
    status, printed = protocol_tools.run(built.protocol, launcher="local")
    thread.join()
    text = log.read_text()
    assert status == 0, printed
    assert sent
    assert "this job is preempted" in text
    assert text.count("=== train_phantoms_phase1_fold0") == 2
    assert "Resumed from" in text


def _jobs_with_open(log: Path) -> list[int]:
    """Processes that run a job of submitit and write to a log."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            is_job = b"submitit.core._submit" in (entry / "cmdline").read_bytes()
            if is_job and str(log) in [os.readlink(fd) for fd in (entry / "fd").iterdir()]:
                found.append(int(entry.name))
        except OSError:
            continue
    return found
