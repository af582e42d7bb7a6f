"""Tries a training before it is started: all that it reads, two iterations, and the room that it needs. Nothing is kept of it."""

import random
import resource
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from mmengine.config import Config
from mmengine.hooks import Hook

from ultraref.apis.output_folder import check_writable
from ultraref.apis.train import check_embedding_cache, warn_of_other_fit
from ultraref.engine.inputs import find_inputs, require_inputs
from ultraref.engine.launch_check import TRAINING_KEYS, check_launch
from ultraref.engine.log_files import release_log_files
from ultraref.engine.run_description import Line, describe_config, describe_run, size
from ultraref.engine.work_dir import BEST_CHECKPOINT, LAST_CHECKPOINT, PREVIOUS_CHECKPOINT
from ultraref.errors import UserError
from ultraref.registry import RUNNERS

# The first iteration pays for what later ones don't: workers that start, memory that is first touched, algorithms that are chosen.
_WARM_UP = 1
_SHOWN = 3


@dataclass
class Preflight:
    """What a preflight found.

    Attributes:
        lines: what was looked at, in order; the one that isn't ok says what to do.
        iterations, epochs: iterations of an epoch, epochs of the training; None where it didn't come so far, as for what follows.
        seconds_per_iteration: of the measured one: loading as far as it was waited for, forward, backward and step.
        peak_memory: bytes: of the GPU where there is one, else of the main process.
    """

    lines: list[Line] = field(default_factory=list)
    iterations: int | None = None
    epochs: int | None = None
    seconds_per_iteration: float | None = None
    peak_memory: int | None = None

    @property
    def ok(self) -> bool:
        """Whether nothing speaks against the training."""
        return all(line.ok for line in self.lines)

    def to_dict(self) -> dict:
        """Returns plain types, for JSON."""
        return {"ok": self.ok, **asdict(self)}


def preflight(cfg: Config, amp: bool = False) -> Preflight:
    """Goes through a training up to the end of its second iteration, or of its optimizer's first step, in a folder that is removed.

    Networks are built and filled, data sets and checkpoints checked, and batches loaded and trained on by the code that trains. Files
    and random generators are afterwards as they were; what is checked of the work dir is that it can be written.

    Args:
        cfg: a config from `load_config`.
        amp: as in `train`.
    """
    result = Preflight()
    stages: list[tuple[str, Callable[[], str | None]]] = [
        ("config", lambda: _check_config(cfg)),
        ("inputs", lambda: _check_inputs(cfg)),
        ("work dir", lambda: _check_work_dir(Path(cfg.work_dir))),
        ("weights", lambda: _train_shortly(cfg, amp, result)),
    ]
    for name, stage in stages:
        try:
            text = stage()
        except UserError as error:
            result.lines.append(Line(getattr(error, "stage", name), str(error), ok=False))
            break
        if text is not None:
            result.lines.append(Line(name, text))
    return result


def _check_config(cfg: Config) -> str:
    check_launch(cfg, "none", TRAINING_KEYS)
    check_embedding_cache(cfg)
    return describe_config(cfg, cfg.work_dir)


def _check_inputs(cfg: Config) -> str:
    require_inputs(cfg)
    return f"{len(find_inputs(cfg))} files that the config names, all there"


def _check_work_dir(work_dir: Path) -> str:
    """Tries to write there, and removes the folders that this made."""
    made = [folder for folder in (work_dir, *work_dir.parents) if not folder.exists()]
    try:
        check_writable(work_dir, "--work-dir")
    finally:
        for folder in made:
            if folder.is_dir():
                folder.rmdir()
    found = [name for name in (LAST_CHECKPOINT, PREVIOUS_CHECKPOINT, BEST_CHECKPOINT) if (work_dir / name).exists()]
    if not found:
        return f"{work_dir} can be written"
    return f"{work_dir} can be written; it holds {', '.join(found)}: with --resume that run goes on, else they are set aside"


def _train_shortly(cfg: Config, amp: bool, result: Preflight) -> None:
    """Adds the lines of a run, of its first batch and of its second iteration."""
    probe = _Probe(result, cfg.work_dir)
    with TemporaryDirectory() as folder, _generators_kept():
        scratch = cfg.copy()
        scratch.work_dir, scratch.log_level, scratch.resume = folder, "ERROR", False
        scratch.visualizer = dict(type="Visualizer", vis_backends=[])
        scratch.experiment_name = f"preflight_{time.time_ns()}"
        scratch.default_hooks = {**(cfg.get("default_hooks") or {}), "description": None}
        if amp:
            scratch.optim_wrapper.type = "UltraAmpOptimWrapper"
        try:
            runner = RUNNERS.build(scratch)
            warn_of_other_fit(scratch, runner.model)
            runner.register_hook(probe)
            try:
                runner.train()
            finally:
                release_log_files(runner.logger)
        except _SeenEnough:
            pass
        except torch.cuda.OutOfMemoryError as error:
            raise _at(
                probe.stage, f"the GPU's memory doesn't suffice; lower train_dataloader.batch_size ({error})"
            ) from error
        except UserError as error:
            # What is named in the folder isn't there any more.
            text = "\n".join(line for line in str(error).splitlines() if folder not in line)
            raise _at(probe.stage, text) from error


def _at(stage: str, message: str) -> UserError:
    error = UserError(message)
    error.stage = stage
    return error


class _SeenEnough(Exception):
    """Ends a training that was only tried."""


class _Probe(Hook):
    """Notes what a training does up to the end of its second iteration, and ends it there."""

    # After all others: what an iteration costs is known when they are done.
    priority = "LOWEST"

    def __init__(self, result: Preflight, work_dir: str):
        self.stage = "weights"
        self._result, self._work_dir = result, work_dir
        self._begun = 0.0

    def before_train(self, runner) -> None:
        # The config has its line.
        self._result.lines += [line for line in describe_run(runner, self._work_dir) if line.name != "config"]
        self._result.iterations, self._result.epochs = len(runner.train_dataloader), runner.max_epochs
        self.stage, self._begun = "batch", time.monotonic()

    def before_train_iter(self, runner, batch_idx: int, data_batch=None) -> None:
        if self.stage == "batch":
            samples = (data_batch.get("data_samples") or []) if isinstance(data_batch, dict) else []
            names = [str(sample.metainfo.get("name", "?")) for sample in samples]
            more = ", ..." if len(names) > _SHOWN else ""
            text = f"{len(names)} samples, {', '.join(names[:_SHOWN])}{more}, in {time.monotonic() - self._begun:.1f} s"
            self._result.lines.append(Line("batch", text))
            self.stage = "iteration"

    def after_train_iter(self, runner, batch_idx: int, data_batch=None, outputs: dict | None = None) -> None:
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        result, now = self._result, time.monotonic()
        # The optimizer takes its memory, and gradients are checked, at its first step.
        accumulated = getattr(runner.optim_wrapper, "_accumulative_counts", 1)
        if batch_idx < min(max(_WARM_UP, accumulated - 1), result.iterations - 1):
            self._begun = now
            return
        result.seconds_per_iteration, result.peak_memory = now - self._begun, _peak_memory()
        result.lines.append(Line("iteration", _describe_iteration(result)))
        raise _SeenEnough


def _describe_iteration(result: Preflight) -> str:
    epoch = result.seconds_per_iteration * result.iterations
    where = "of the GPU" if torch.cuda.is_available() else "of the main process"
    warm_up = "" if result.iterations > _WARM_UP else " (the first, as an epoch has one)"
    return (
        f"forward, backward and step take {result.seconds_per_iteration:.2f} s{warm_up}: about {_duration(epoch)} for an epoch of "
        f"{result.iterations}, {_duration(epoch * result.epochs)} for {result.epochs}, validation apart; at most "
        f"{size(result.peak_memory)} {where}"
    )


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _peak_memory() -> int:
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated()
    # Kilobytes on Linux.
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


@contextmanager
def _generators_kept() -> Iterator[None]:
    """Puts random generators back as they were, which a run seeds."""
    states = random.getstate(), np.random.get_state(), torch.get_rng_state()  # noqa: NPY002  what a run seeds
    on_gpu = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    try:
        yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])  # noqa: NPY002
        torch.set_rng_state(states[2])
        if on_gpu:
            torch.cuda.set_rng_state_all(on_gpu)
