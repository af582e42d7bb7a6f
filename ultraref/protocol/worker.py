"""A step in a process of its own: what it sets up, does, and leaves; and how such processes start and end."""

import multiprocessing
import os
import signal
import sys
import threading
import time
import traceback
from pathlib import Path

from ultraref.errors import RunStopped, UserError
from ultraref.protocol.file_hashes import FileHashes
from ultraref.protocol.fingerprint import Fingerprints
from ultraref.protocol.step import Plan, Step

HASHES_NAME = "file_hashes.json"
# Imported once, before a process starts: torch, all components, and what the runner's logs take need seconds.
_PRELOADED = [
    "ultraref.protocol.kinds",
    "ultraref.models",
    "ultraref.datasets.transforms",
    "ultraref.visualization",
    "matplotlib.backends.backend_agg",
    "matplotlib.figure",
    "torch.utils.tensorboard",
]
# Seconds that a process has to end by itself, a training by saving what it reached.
PATIENCE = 3.0


def execute(plan: Plan, step: Step, any_code: bool = False) -> None:
    """Does the work of a step, unless it is finished, and stamps its result.

    Args:
        plan: all steps.
        step: one of them.
        any_code: see `Fingerprints`.

    Raises:
        UserError: it ended without its result.
    """
    from ultraref.protocol.kinds import KINDS
    from ultraref.protocol.runs import BEGUN, Work

    hashes = FileHashes(Path(plan.work_dir) / HASHES_NAME)
    fingerprints = Fingerprints(hashes, plan.code, any_code)
    if fingerprints.why(step) is None:
        return
    parts = fingerprints.parts(step)
    begun = time.perf_counter()
    KINDS[step.kind].run(step, Work(plan, parts, fingerprints))
    if not Path(step.result).is_file():
        raise UserError(f"{step.name} ended, but left no {step.result}")
    if step.stamp is not None:
        fingerprints.write_stamp(step, parts, time.perf_counter() - begun)
        (Path(step.stamp).parent / BEGUN).unlink(missing_ok=True)
    hashes.save()


def run_logged(plan: Plan, step: Step, any_code: bool = False) -> int:
    """Does the work of a step with all output in its log, and returns an exit status: 2 for what the user can mend, 128 and its number
    after a signal that stopped a training.
    """
    log = plan.log(step)
    log.parent.mkdir(parents=True, exist_ok=True)
    sys.stdout.flush()
    sys.stderr.flush()
    with open(log, "ab", buffering=0) as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    print(f"=== {step.name}, {time.strftime('%Y-%m-%d %H:%M:%S')}", flush=True)
    try:
        _compute_with(step.threads)
        execute(plan, step, any_code)
    except RunStopped as stop:
        print(stop, file=sys.stderr, flush=True)
        return stop.status
    except UserError as error:
        print(f"error: {error}", file=sys.stderr, flush=True)
        return 2
    except Exception:
        traceback.print_exc()
        return 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    return 0


class StepProcess:
    """A running step on this machine.

    Args:
        plan: all steps.
        step: the one to run.
        any_code: see `Fingerprints`.
        devices: numbers of the GPUs that it sees; None for what this process sees.
    """

    def __init__(self, plan: Plan, step: Step, any_code: bool = False, devices: list[int] | None = None):
        environment = dict(os.environ)
        if devices is not None:
            environment["CUDA_VISIBLE_DEVICES"] = ",".join(map(str, devices))
        context = _context()
        self._process = context.Process(
            target=_main, args=(plan.to_dict(), step.name, any_code, environment), name=step.name
        )
        self._process.start()

    @property
    def sentinel(self) -> int:
        """Ready, for `multiprocessing.connection.wait`, when it has ended."""
        return self._process.sentinel

    def poll(self) -> int | None:
        """Returns its exit status; None while it runs."""
        return self._process.exitcode

    def ask_to_end(self) -> None:
        """Asks it to end, and doesn't wait. A training saves what it reached."""
        if self._process.is_alive():
            self._process.terminate()

    def stop(self, until: float | None = None) -> None:
        """Ends it and all that it started; results are written whole, so nothing half done is left.

        Args:
            until: when it is killed unless it has ended by itself, by `time.monotonic`; by default in three seconds.
        """
        self.ask_to_end()
        until = time.monotonic() + PATIENCE if until is None else until
        self._process.join(max(until - time.monotonic(), 0))
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except ProcessLookupError:
            # It has no group of its own yet, or nothing is left of it.
            self._process.kill()
        self._process.join(1.0)


def _main(plan: dict, name: str, any_code: bool, environment: dict[str, str]) -> None:
    """What a process does."""
    # A group of its own, which ends as one, data workers included; and no Ctrl-C but by way of the runner.
    os.setsid()
    threading.Thread(target=_end_with_parent, daemon=True).start()
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.environ.clear()
    os.environ.update(environment)
    whole = Plan.from_dict(plan)
    step = next(step for step in whole.steps if step.name == name)
    sys.exit(run_logged(whole, step, any_code))


def _end_with_parent() -> None:
    """Ends this process and all that it started when the one that it works for is gone, in whatever way."""
    multiprocessing.parent_process().join()
    os.killpg(0, signal.SIGKILL)


def _compute_with(threads: int | None) -> None:
    if threads is not None:
        import torch

        # Of processes that this one starts.
        os.environ["OMP_NUM_THREADS"] = str(threads)
        torch.set_num_threads(threads)


def _context():
    """Processes that begin with all imports done, where the system can fork."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_PRELOADED)
    return context
