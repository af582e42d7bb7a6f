"""Puts a job of Slurm back into the queue when a signal stopped its training."""

import os
import shutil
import signal
import subprocess
from collections.abc import Mapping

from ultraref.errors import UserError

# Of SIGINT it is known that a person sent it.
_ASKING = (signal.SIGUSR1, signal.SIGTERM)
_PATIENCE = 30


def check_requeue(environment: Mapping[str, str] = os.environ) -> None:
    """Checks, before a training begins, that its job can be queued again.

    Raises:
        UserError: this isn't a job of Slurm, or there is no `scontrol`.
    """
    if "SLURM_JOB_ID" not in environment:
        raise UserError(
            "--requeue is for a job of Slurm, but there is no SLURM_JOB_ID; start it with sbatch (docs/how-to/train-on-a-cluster.md), "
            "or leave out --requeue"
        )
    if shutil.which("scontrol") is None:
        raise UserError("--requeue calls scontrol, which isn't on the PATH of this node")


def was_requeued(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether this job ran before, so that it goes on with what it left, whoever queued it again."""
    return environment.get("SLURM_RESTART_COUNT", "0").strip() not in ("", "0")


def requeue(signal_number: int, environment: Mapping[str, str] = os.environ) -> str:
    """Queues this job again, after a signal.

    SIGTERM also comes from `scancel`, and with it `scontrol requeue` would bring back what a person ended. So the state of the
    job is asked for first.

    Args:
        signal_number: of the signal that stopped the training.
        environment: holds SLURM_JOB_ID.

    Returns:
        What was done, in a line.
    """
    if signal_number not in _ASKING:
        return "not queued again, as a person stopped it"
    job = environment["SLURM_JOB_ID"]
    if signal_number == signal.SIGTERM and "JobState=CANCELLED" in _scontrol("show", "job", job)[1]:
        return f"job {job} isn't queued again, as it was cancelled"
    status, output = _scontrol("requeue", job)
    if status:
        return f"scontrol requeue {job} failed with status {status}: {output.strip() or 'it said nothing'}"
    return f"job {job} is queued again"


def _scontrol(*words: str) -> tuple[int, str]:
    """Returns the exit status of a command of Slurm, and what it printed."""
    try:
        done = subprocess.run(["scontrol", *words], capture_output=True, text=True, timeout=_PATIENCE)
    except (OSError, subprocess.TimeoutExpired) as error:
        return 1, str(error)
    return done.returncode, done.stdout + done.stderr
