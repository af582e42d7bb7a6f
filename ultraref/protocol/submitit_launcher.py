"""Runs steps as jobs through submitit: on a Slurm cluster, or, to try it, as processes of this machine."""

import signal
import time
from pathlib import Path

from ultraref.atomic import write_json
from ultraref.errors import UserError
from ultraref.json_file import read_json
from ultraref.protocol.definition import Protocol
from ultraref.protocol.file_hashes import FileHashes
from ultraref.protocol.step import Plan, Step
from ultraref.protocol.worker import run_logged

JOBS_NAME = "jobs.json"
# A job that is preempted or runs out of time is queued again, and goes on from its last epoch; so often for want of time.
_TIMEOUTS = 20
# Seconds between two looks at the cluster.
_PAUSE = 10.0
# Seconds that a shared folder may take to show here what a job wrote.
_SETTLING = 60.0


class StepJob:
    """What a job does. submitit queues it again, as it is, after a preemption or a timeout, as it has `checkpoint`.

    Args:
        plan: all steps.
        name: of the step.
        any_code: see `ultraref.protocol.fingerprint.Fingerprints`.
    """

    def __init__(self, plan: dict, name: str, any_code: bool):
        self.plan, self.name, self.any_code = plan, name, any_code

    def __call__(self) -> int:
        """Runs the step and returns 0.

        Raises:
            RuntimeError: it failed; jobs that depend on it are not started then.
        """
        plan = Plan.from_dict(self.plan)
        step = next(step for step in plan.steps if step.name == self.name)
        # The package may have changed while the job waited.
        if FileHashes().of_code() != plan.code:
            raise RuntimeError(f"ultraref has changed since {self.name} was submitted; start the protocol again")
        status = run_logged(plan, step, self.any_code)
        if status - 128 in (signal.SIGUSR1, signal.SIGUSR2):
            # The training has saved what it reached. submitit, whose signal it is, queues the job again and doesn't return.
            signal.raise_signal(status - 128)
        if status:
            raise RuntimeError(f"{self.name} failed with status {status}; its log is {plan.log(step)}")
        return status

    def checkpoint(self):
        """Returns the same job: what it has done is in its run's folder."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self)


class SubmititLauncher:
    """Starts steps as jobs.

    Args:
        plan: all steps.
        protocol: says what a step takes.
        cluster: "slurm", or "local" for processes of this machine.
        any_code: see `ultraref.protocol.fingerprint.Fingerprints`.

    Raises:
        UserError: submitit isn't installed, or this machine can't submit to Slurm.
    """

    def __init__(self, plan: Plan, protocol: Protocol, cluster: str, any_code: bool = False):
        self._submitit = _import_submitit()
        # Slurm waits for the jobs that a job depends on; submitit's local executor doesn't.
        self.takes_dependencies = cluster == "slurm"
        self.settling_seconds = _SETTLING if self.takes_dependencies else 0.0
        self._plan, self._protocol, self._cluster, self._any_code = plan, protocol, cluster, any_code
        self._folder = (Path(plan.work_dir) / "submitit").absolute()
        self._jobs: dict[str, object] = {}
        self._submitted = _known_jobs(self._folder) if self.takes_dependencies else {}
        self._looked = 0.0

    def has_room(self) -> bool:
        """Whether one more may start: the cluster has room, this machine for so many jobs as the protocol says."""
        return self.takes_dependencies or len(self._jobs) < self._protocol.jobs

    def start(self, step: Step) -> None:
        """Submits a step, or takes up the job that an earlier call submitted and that hasn't ended."""
        job = self._earlier(step.name)
        if job is None:
            before = [self._jobs[name].job_id for name in step.after if name in self._jobs]
            job = self._executor(step, before).submit(StepJob(self._plan.to_dict(), step.name, self._any_code))
            self._submitted[step.name] = job.job_id
            write_json(self._folder / JOBS_NAME, self._submitted)
        self._jobs[step.name] = job

    def ended(self) -> dict[str, int]:
        """Returns the exit status of those that ended since the last call, by name."""
        if self.takes_dependencies and time.monotonic() - self._looked < _PAUSE:
            return {}
        self._looked = time.monotonic()
        found = {name: self._status(job) for name, job in self._jobs.items()}
        found = {name: status for name, status in found.items() if status is not None}
        for name in found:
            del self._jobs[name]
        return found

    def wait(self, seconds: float) -> None:
        """Waits."""
        time.sleep(seconds)

    def stop(self) -> None:
        """Cancels all jobs."""
        for job in self._jobs.values():
            job.cancel(check=False)
        self._jobs.clear()

    @staticmethod
    def _status(job) -> int | None:
        if not job.done():
            return None
        if job.paths.result_pickle.exists():
            return 0 if job.exception() is None else 1
        # It was cancelled or killed, or what it wrote isn't seen here yet; submitit itself would wait for that, for each job.
        return 0 if job.state.startswith("COMPLETED") else 1

    def _executor(self, step: Step, before: list[str]):
        """An executor that asks for what a step takes."""
        asked = self._protocol.resources_of(step.kind)
        parameters = {
            "name": step.name,
            "timeout_min": asked.get("minutes", 24 * 60),
            "cpus_per_task": asked.get("cpus"),
            "mem_gb": asked.get("memory_gb"),
            "gpus_per_node": asked.get("gpus", 0),
        }
        if self._cluster == "slurm":
            parameters.update(
                {f"slurm_{key}": asked[key] for key in ("partition", "account", "qos", "constraint") if key in asked}
            )
            # Queued again after a preemption; and not waiting for ever for a job that failed.
            parameters["slurm_additional_parameters"] = {"requeue": True, "kill-on-invalid-dep": "yes"}
            if before:
                parameters["slurm_dependency"] = "afterok:" + ":".join(before)
        try:
            executor = self._submitit.AutoExecutor(self._folder, cluster=self._cluster, slurm_max_num_timeout=_TIMEOUTS)
        except RuntimeError as error:
            raise UserError(f"--launcher slurm: {error}") from error
        executor.update_parameters(**{key: value for key, value in parameters.items() if value is not None})
        return executor

    def _earlier(self, name: str):
        """The job of an earlier call for a step, if it waits or runs."""
        known = self._submitted.get(name)
        if known is None or self._cluster != "slurm":
            return None
        job = self._submitit.SlurmJob(folder=self._folder, job_id=known, tasks=[0])
        return None if job.done(force_check=True) else job


def _known_jobs(folder: Path) -> dict[str, str]:
    path = folder / JOBS_NAME
    return read_json(path, "list of jobs", hint="remove it") if path.is_file() else {}


def _import_submitit():
    try:
        import submitit
    except ImportError as error:
        raise UserError("--launcher slurm needs submitit: pip install 'ultraref[protocol]'") from error
    return submitit
