"""All three phases in order: every fold's coarse network, its predictions, the refiner, the joint model, and the tests."""

import gc
import hashlib
import json
import multiprocessing
import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mmengine.config import Config
from rich.console import Console

from ultraref.apis.config import load_config
from ultraref.apis.predict_coarse import predict_coarse
from ultraref.apis.test import test
from ultraref.apis.train import train
from ultraref.atomic import write_json
from ultraref.engine.recipe import parameters_of
from ultraref.evaluation import OVERLAP_NAMES

STAMP = "finished.json"


@dataclass(frozen=True)
class Cascade:
    """The recipes of one cascade, and where its results go.

    Attributes:
        phase1: phase-1 recipe, trained for each fold. Refinement of one needs the predictions of all of them.
        phase2: phase-2 recipe, trained for the fold that is refined.
        phase3: phase-3 recipes of that fold; the first is the one that the summary is about.
        set: the set of images, see `read_recipe`.
        work_dir: receives overlays/ and summary.json.
        num_folds: folds of the set.
        fold: the one that is refined.
        jobs: how many trainings that don't depend on each other run at a time, in processes of one thread each. Small
            networks gain nothing from a second thread. More jobs than cores share them, so that no core waits for the last
            fold. 1 trains in this process.
    """

    phase1: str
    phase2: str
    phase3: Sequence[str]
    set: str
    work_dir: str
    num_folds: int = 5
    fold: int = 0
    jobs: int = 1


def run_cascade(cascade: Cascade) -> dict:
    """Trains and tests a cascade. What an earlier call finished with the same configs and data is kept; a training that was
    interrupted goes on from its last epoch.

    Returns:
        The summary, which is also written to WORK_DIR/summary.json: `n_test`; `coarse`, `refined` and `delta`, each with Dice,
        IoU, precision, recall and accuracy; `delta_dice_ci95`, a bootstrap interval; `harmed`, `helped` and `worst`, see
        `RefinementMetric`; `weights_seen`, see `test`; `models`, the same for each trained model; and `seconds`, the wall time
        of each step that this call ran.
    """
    runner = _StepRunner(Path(cascade.work_dir), cascade.jobs)
    fold = cascade.fold
    phase1 = [load_config(cascade.phase1, set=cascade.set, fold=k) for k in range(cascade.num_folds)]
    phase2 = load_config(cascade.phase2, set=cascade.set, fold=fold)
    phase3 = [load_config(path, set=cascade.set, fold=fold) for path in cascade.phase3]

    runner.train(phase1)
    for cfg in phase1:
        own = cfg.val_dataloader.dataset.fold
        runner.predict(cfg, "val", own)
        if own == fold:
            runner.predict(cfg, "test", own)
    runner.train([phase2])
    runner.train(phase3)

    models = {}
    for cfg in (phase2, *phase3):
        show_dir = Path(cascade.work_dir) / "overlays" if cfg is phase3[0] else None
        models[_name(cfg)] = runner.test(cfg, show_dir)
    summary = {
        **models[_name(phase3[0])],
        "model": _name(phase3[0]),
        "models": models,
        "seconds": runner.seconds,
    }
    write_json(Path(cascade.work_dir) / "summary.json", summary)
    return summary


class _StepRunner:
    """Runs steps in order, skipping those whose config, data and earlier steps are unchanged."""

    def __init__(self, work_dir: Path, jobs: int):
        self.work_dir, self.jobs = work_dir, jobs
        self.seconds: dict[str, float] = {}
        # Hash of all that earlier steps depended on: a step is stale when any step before it was.
        self._history = hashlib.sha256()
        self._console = Console()

    def train(self, cfgs: Sequence[Config]) -> None:
        """Trains configs that don't depend on each other, `jobs` at a time."""
        waiting = {}
        for cfg in cfgs:
            name = f"train {_name(cfg)}"
            stamp, key = self._stamp(cfg, Path(cfg.work_dir) / STAMP)
            if self._start(name, stamp, key, Path(cfg.work_dir) / "best.pth"):
                waiting[name] = (cfg, stamp, key, self._resumes(cfg, key))
        if self.jobs == 1 or len(waiting) < 2:
            for name, (cfg, stamp, key, resume) in waiting.items():
                self._begun = time.perf_counter()
                train(cfg, resume=resume)
                gc.collect()
                self._finish(name, stamp, key)
            return
        self._begun = time.perf_counter()
        with _one_thread_each(), ProcessPoolExecutor(self.jobs, _preloaded_context()) as pool:
            futures = {
                pool.submit(_train_recipe, cfg.filename, *parameters_of(cfg), cfg.work_dir, resume): (
                    name,
                    stamp,
                    key,
                )
                for name, (cfg, stamp, key, resume) in waiting.items()
            }
            for future in as_completed(futures):
                future.result()
                self._finish(*futures[future])

    @staticmethod
    def _resumes(cfg: Config, key: str) -> bool:
        """Whether an interrupted training of the same config can go on; if not, clears the way for a new one."""
        begun = Path(cfg.work_dir) / "begun.json"
        if begun.is_file() and json.loads(begun.read_text()) == key:
            return True
        for stale in Path(cfg.work_dir).glob("*.pth"):
            stale.unlink()
        write_json(begun, key)
        return False

    def predict(self, cfg: Config, split: str, fold: int) -> None:
        folder = Path(cfg.predictions_root) / f"fold{fold}" / split
        stamp, key = self._stamp(cfg, folder / STAMP)
        if self._start(f"predict {split} of fold {fold}", stamp, key, folder / "manifest.json"):
            predict_coarse(cfg, str(Path(cfg.work_dir) / "best.pth"), split)
            self._finish(f"predict {split} of fold {fold}", stamp, key)

    def test(self, cfg: Config, show_dir: Path | None) -> dict:
        metrics_path = Path(cfg.work_dir) / "metrics.json"
        stamp, key = self._stamp(cfg, Path(cfg.work_dir) / "tested.json")
        name = f"test {_name(cfg)}"
        if metrics_path.is_file() and "weights_seen" not in json.loads(metrics_path.read_text()):
            # Of a time when a test measured less.
            metrics_path.unlink()
        if self._start(name, stamp, key, metrics_path):
            test(cfg, str(Path(cfg.work_dir) / "best.pth"), show_dir=None if show_dir is None else str(show_dir))
            self._finish(name, stamp, key)
        metrics = json.loads(metrics_path.read_text())
        rows = (Path(cfg.work_dir) / "metrics.csv").read_text().splitlines()
        summary = {"n_test": len(rows) - 1}
        for group in ("coarse", "refined", "delta"):
            summary[group] = {m: metrics[f"test_{group}/{m}"] for m in OVERLAP_NAMES}
        summary["delta_dice_ci95"] = [metrics["test_delta/dice_ci95_low"], metrics["test_delta/dice_ci95_high"]]
        summary.update({name: metrics[f"test_delta/{name}"] for name in ("harmed", "helped", "worst")})
        summary["weights_seen"] = metrics["weights_seen"]
        return summary

    def _stamp(self, cfg: Config, path: Path) -> tuple[Path, str]:
        splits = Path(cfg.val_dataloader.dataset.data_root) / "splits.json"
        self._history.update(cfg.pretty_text.encode())
        self._history.update(splits.read_bytes())
        return path, self._history.hexdigest()

    def _start(self, name: str, stamp: Path, key: str, result: Path) -> bool:
        if result.is_file() and stamp.is_file() and json.loads(stamp.read_text()) == key:
            self._console.print(f"[dim]{name}: done before, kept[/dim]")
            return False
        self._console.rule(name)
        self._begun = time.perf_counter()
        return True

    def _finish(self, name: str, stamp: Path, key: str) -> None:
        self.seconds[name] = round(time.perf_counter() - self._begun, 1)
        write_json(stamp, key)


def _name(cfg: Config) -> str:
    """What a step calls a run: the last part of its work directory."""
    return Path(cfg.work_dir).name


def _train_recipe(path: str, set: str, fold: str, work_dir: str, resume: bool) -> None:
    """Trains in a process of its own."""
    train(load_config(path, work_dir=work_dir, set=set, fold=fold), resume=resume)


def _preloaded_context() -> multiprocessing.context.BaseContext:
    """Processes that begin with this module imported, where the system can fork; importing it takes seconds."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    return context


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Processes that start meanwhile compute with one thread."""
    before = os.environ.get("OMP_NUM_THREADS")
    os.environ["OMP_NUM_THREADS"] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ["OMP_NUM_THREADS"]
        else:
            os.environ["OMP_NUM_THREADS"] = before
