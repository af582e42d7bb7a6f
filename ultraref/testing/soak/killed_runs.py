"""Runs that are killed by SIGKILL at random, resumed, and compared with the unbroken one, bit for bit."""

import multiprocessing
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import torch
from mmengine.config import Config
from mmengine.hooks import Hook

from ultraref.apis import train
from ultraref.datasets.converters import convert, find_busi
from ultraref.engine.work_dir import BEST_CHECKPOINT, LAST_CHECKPOINT
from ultraref.registry import HOOKS
from ultraref.testing.differences import differences
from ultraref.testing.phantom_dataset import write_phantom_busi
from ultraref.testing.soak.tiny_runs import RECIPES, prepare, tiny_run

EPOCHS = 5
# How many reports, of iterations and saves, a process lives for at most before it is killed: two epochs and their saves.
_LONGEST = 14
# A report is followed by the kill after at most this many seconds, so that it hits saves and validations at any place.
_DELAY = 0.05
# A process that says nothing for so long hangs.
_PATIENCE = 600


@dataclass
class KilledRun:
    """What came of a run that was killed again and again.

    Attributes:
        name: phase and number of workers.
        kills: how often it was killed.
        differences: where its checkpoints differ from those of the unbroken run, as paths in them.
        faults: what its processes said that ended by themselves otherwise than done.
    """

    name: str
    kills: int = 0
    differences: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


class ReportHook(Hook):
    """Tells another process of each iteration and each save, before it happens."""

    priority = "LOWEST"

    def __init__(self, connection: Connection):
        self._connection = connection

    def before_train_iter(self, runner, batch_idx, data_batch=None) -> None:
        self._connection.send("iteration")

    def before_save_checkpoint(self, runner, checkpoint) -> None:
        self._connection.send("save")


def make_data(folder: Path) -> Path:
    """Makes what all runs need in FOLDER/data, unless it is there, and returns that folder; the images are in its phantoms/."""
    data = folder / "data"
    if not (data / "coco.json").is_file():
        write_phantom_busi(data / "raw", num=30, max_side=96)
        convert(find_busi(data / "raw"), data / "phantoms", dataset="phantoms")
        prepare(data / "phantoms", data)
    return data


def kill_tiny_runs(
    folder: Path, kills: int, seed: int, epochs: int = EPOCHS, phases=tuple(RECIPES), workers=(0, 2)
) -> Iterator[KilledRun]:
    """Kills the three phases and SAM2Rad, each with and without data workers, and yields what came of each.

    Args:
        folder: where data and runs go; data that are there already are taken again.
        kills: in all, evenly over the runs.
        seed: of the places where they are killed.
        epochs: of each run.
        phases, workers: which runs.
    """
    data = make_data(folder)
    kinds = [(phase, number) for phase in phases for number in workers]
    shares = np.diff(np.linspace(0, kills, len(kinds) + 1).round().astype(int))
    for (phase, number), share in zip(kinds, shares):
        make = partial(_make, phase, data, number, epochs)
        name = f"{phase}_{number}_workers"
        yield kill_run(
            name, make, folder / f"seed{seed}" / name, int(share), np.random.default_rng([seed, len(name), number])
        )


def kill_run(
    name: str,
    make: Callable[[Path], Config],
    folder: Path,
    kills: int,
    rng: np.random.Generator,
    context: str = "forkserver",
) -> KilledRun:
    """Trains a run unbroken, then kills and resumes it until it has been killed so often and has ended.

    A run that ends before is begun anew.

    Args:
        name: of the run.
        make: returns its config, given a work dir; a function that other processes can import.
        folder: for the work dirs.
        kills: how often it is killed.
        rng: where the places come from.
        context: how processes are started, see `multiprocessing.get_context`.
    """
    processes = multiprocessing.get_context(context)
    if context == "forkserver":
        # Imports once what each process would import for seconds.
        processes.set_forkserver_preload([__name__])
    result = KilledRun(name)
    unbroken = folder / "unbroken"
    if not _finishes(processes, make, unbroken, result):
        return result
    for attempt in count():
        work_dir, ended = folder / f"killed_{attempt}", False
        while not ended and not result.faults:
            left = int(rng.integers(1, _LONGEST + 1)) if result.kills < kills else None
            ended = _finishes(processes, make, work_dir, result, left, rng.uniform(0, _DELAY))
        if result.faults:
            return result
        for checkpoint in (LAST_CHECKPOINT, BEST_CHECKPOINT):
            one, other = (torch.load(place / checkpoint, weights_only=True) for place in (unbroken, work_dir))
            result.differences += [f"{work_dir.name}/{checkpoint}{path}" for path in differences(one, other)]
        if result.kills >= kills:
            return result


def _make(phase: str, data: Path, workers: int, epochs: int, work_dir: Path) -> Config:
    return tiny_run(phase, data / "phantoms", data, work_dir, workers, epochs)


def _finishes(
    processes, make, work_dir: Path, result: KilledRun, reports: int | None = None, delay: float = 0.0
) -> bool:
    """Goes on with a run, kills it `delay` seconds after so many reports, and returns whether it came to its end before."""
    ours, theirs = processes.Pipe(duplex=False)
    process = processes.Process(target=_train, args=(make, work_dir, theirs))
    process.start()
    theirs.close()
    said = ""
    try:
        while ours.poll(_PATIENCE):
            said = ours.recv()
            if said not in ("iteration", "save"):
                break
            if reports is not None:
                reports -= 1
                if reports == 0:
                    time.sleep(delay)
                    # It may have ended meanwhile, which counts as ended.
                    process.kill()
                    break
        else:
            said = f"{work_dir.name}: silent for {_PATIENCE} s"
            process.kill()
    except EOFError:
        said = f"{work_dir.name}: ended with exit code {process.exitcode}"
    process.join()
    # What it still said before it was killed.
    while reports == 0 and ours.poll():
        try:
            said = ours.recv()
        except EOFError:
            break
    ours.close()
    if said == "done":
        return True
    if reports == 0 and said in ("iteration", "save"):
        result.kills += 1
    else:
        result.faults.append(said)
    return False


def _train(make: Callable[[Path], Config], work_dir: Path, connection: Connection) -> None:
    """Body of a process: trains, or goes on with, a run."""
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    # MMEngine's formatting takes longer than the training.
    Config.pretty_text = property(lambda cfg: repr(cfg.to_dict()))
    try:
        cfg = make(work_dir)
        cfg.experiment_name = f"{work_dir.parent.name}_{work_dir.name}_{time.time_ns()}"
        HOOKS.register_module(name="SoakReport", module=lambda: ReportHook(connection), force=True)
        cfg.custom_hooks = [*(cfg.get("custom_hooks") or []), dict(type="SoakReport")]
        train(cfg, resume=True)
    except BaseException as error:
        connection.send(f"{work_dir.name}: {type(error).__name__}: {error}")
        raise
    connection.send("done")
