"""The runner: MMEngine's, with strict loading, safe checkpoints, exact resume and CPU distributed training."""

import copy
import time
from functools import cached_property
from pathlib import Path

import mmengine
import torch
from mmengine.device import get_device
from mmengine.dist import barrier, is_distributed, is_main_process
from mmengine.hooks import EMAHook
from mmengine.model import is_model_wrapper
from mmengine.runner import BaseLoop, Runner
from mmengine.runner.checkpoint import weights_to_cpu
from torch import nn

from ultraref.checkpoint import load_checkpoint_file, not_finite, save_atomically, to_plain
from ultraref.engine.component_lookup import pass_on
from ultraref.engine.cpu_distributed import start_gloo, wrap_on_cpu
from ultraref.engine.data_workers import data_workers_ended, limit_patience, prepare_workers
from ultraref.engine.resume_check import require_averaged_weights, restoring
from ultraref.engine.resume_state import gather_state, restore_state
from ultraref.engine.run_identity import RunIdentity
from ultraref.engine.run_lock import on_main_process, run_lock
from ultraref.engine.sharded_data_parallel import full_state_dict
from ultraref.engine.work_dir import (
    LAST_CHECKPOINT,
    PREVIOUS_CHECKPOINT,
    checkpoint_to_resume,
    keep_previous,
    remove_leftovers,
    set_aside,
    set_damaged_aside,
)
from ultraref.errors import UserError
from ultraref.models.checkpoint_loading import load_model
from ultraref.registry import RUNNERS

# Those that `Runner.register_default_hooks` adds by itself.
MMENGINE_HOOKS = ("runtime_info", "timer", "sampler_seed", "logger", "param_scheduler", "checkpoint")
# Those that every run has, unless its config leaves one out.
OWN_HOOKS = {
    "finite": {"type": "FiniteHook"},
    "batch_norm_statistics": {"type": "BatchNormStatisticsHook"},
    "description": {"type": "DescriptionHook"},
}


@RUNNERS.register_module()
class UltraRunner(Runner):
    """`mmengine.runner.Runner`, built from a config with `UltraRunner.from_cfg(cfg)`.

    What differs:
    - `load_from` is strict: weights that are missing, left over or of another size stop the run.
    - `resume=True` continues from `last.pth` in the work dir, or from `previous.pth` where that isn't whole, and starts from the
      beginning (with `load_from`, if given) where there is none; `resume="PATH"` continues from that checkpoint. A resumed
      run must be the one it continues (`RunIdentity`); only its number of epochs may grow. Then the schedules are rebuilt for
      the new number, and hold from there on as if they had from the beginning.
    - A run that isn't resumed sets aside the checkpoints that it finds in its work dir, and no two runs have one.
    - SIGTERM, SIGINT and SIGUSR1 stop a training after the iteration that runs; all is saved (`UltraTrainLoop`).
    - Checkpoints are written in one step, have a checksum, load with `torch.load(weights_only=True)`, and are refused if they
      would hold a number that isn't finite.
    - Distributed training works without a GPU (gloo), and batch-norm statistics are the same in all processes.
    - `train()` followed by `test()` tests the averaged weights of an EMA hook.
    - Persistent data workers end with the run, and not seconds later; all end when the run's process is killed.
    - An error in a hook keeps its traceback.
    - A hook of `default_hooks` that is None is left out, whatever its name, so that a config can drop any hook by name.
    - The data sets get the sizes of the model's inputs, `model.sizes`, so that a size stands in one place of a config.
    """

    _started = False
    # Whether this is the start of a training, which no other run disturbs.
    _owns_work_dir = False

    @property
    def epoch(self) -> int:
        """Epochs done. Unlike MMEngine's, it doesn't build the train loop, and load its data, in a test."""
        return self._train_loop.epoch if isinstance(self._train_loop, BaseLoop) else 0

    @property
    def iter(self) -> int:
        """Iterations done; see `epoch`."""
        return self._train_loop.iter if isinstance(self._train_loop, BaseLoop) else 0

    def setup_env(self, env_cfg: dict) -> None:
        """Starts the process group on machines without CUDA, where MMEngine fails in `cuda.set_device`."""
        if self.distributed and not is_distributed() and not torch.cuda.is_available():
            start_gloo(self.launcher, env_cfg.get("dist_cfg", {}))
        super().setup_env(env_cfg)

    def wrap_model(self, model_wrapper_cfg: dict | None, model: nn.Module) -> nn.Module:
        """Wraps the model for distributed training; on the CPU without the device ids that torch refuses there."""
        if not self.distributed or is_model_wrapper(model) or torch.cuda.is_available():
            return super().wrap_model(model_wrapper_cfg, model)
        return wrap_on_cpu(model, model_wrapper_cfg, self.cfg.get("find_unused_parameters", False))

    def train(self) -> nn.Module:
        """Trains, and returns the model. The data workers have ended by then.

        Raises:
            UserError: another run has the work dir, or there is nothing whole to resume from.
            RunStopped: a signal asked for it.
        """
        with run_lock(self.work_dir):
            self._owns_work_dir = not self._started
            with data_workers_ended(self):
                return super().train()

    def dump_config(self) -> None:
        """Writes the config into the work dir; that of a training once the run has the work dir, not when it is built."""
        if self._train_loop is None:
            super().dump_config()

    def _clear_work_dir(self, checkpoint: Path | None) -> None:
        """Puts out of the way what an earlier run left in the work dir of one that goes on from `checkpoint`.

        All that this run reads from there has been read.
        """
        work_dir = Path(self.work_dir)
        barrier()
        on_main_process(lambda: remove_leftovers(work_dir))
        super().dump_config()
        if checkpoint is not None and checkpoint.resolve().parent == work_dir.resolve():
            if checkpoint.name == PREVIOUS_CHECKPOINT:
                on_main_process(lambda: set_damaged_aside(work_dir))
            return
        folder = on_main_process(lambda: set_aside(work_dir))
        if folder is not None:
            self.logger.warning(f"{work_dir} held the checkpoints of another run. They are now in {folder}.")

    def val(self) -> dict:
        """Validates, and returns the metrics."""
        with data_workers_ended(self):
            return super().val()

    def test(self) -> dict:
        """Tests, and returns the metrics."""
        with data_workers_ended(self):
            return super().test()

    def register_default_hooks(self, hooks: dict | None = None) -> None:
        """As MMEngine's, which knows None for its own six hooks only; and with the hooks of `OWN_HOOKS`."""
        hooks = {**OWN_HOOKS, **(hooks or {})}
        kept = {name: hook for name, hook in hooks.items() if hook is not None or name in MMENGINE_HOOKS}
        super().register_default_hooks(kept)

    def call_hook(self, fn_name: str, **kwargs) -> None:
        """Calls `fn_name` of every hook that has it, in the order of their priority.

        `before_run` is called once in a process: a second call, by `test()` after `train()`, would make the EMA hook
        forget its averages.
        """
        if fn_name == "before_run":
            if self._started:
                return
            self._started = True
        for hook in self._hooks:
            if hasattr(hook, fn_name):
                getattr(hook, fn_name)(self, **kwargs)

    def load_or_resume(self) -> None:
        """Resumes if that was asked for and there is something to resume from, else loads `load_from` if given."""
        if self._has_loaded:
            return
        checkpoint = checkpoint_to_resume(self.work_dir, self._resume)
        if self._resume and checkpoint is None:
            self.logger.info(f"There is no {LAST_CHECKPOINT} to resume from; training starts from the beginning.")
        # Hooks (EMAHook, WeightAnchorHook) read it when the checkpoint is loaded.
        self._resume = checkpoint is not None
        if checkpoint is not None:
            self.resume(str(checkpoint))
        elif self._load_from is not None:
            self.load_checkpoint(self._load_from)
        self._has_loaded = True
        if self._owns_work_dir:
            self._clear_work_dir(checkpoint)

    def build_train_loop(self, loop: BaseLoop | dict) -> BaseLoop:
        """As MMEngine's, whose loop by epochs `UltraTrainLoop` stands in for."""
        if isinstance(loop, dict) and "type" not in loop and loop.get("by_epoch"):
            loop = {key: value for key, value in loop.items() if key != "by_epoch"} | {"type": "UltraTrainLoop"}
        return super().build_train_loop(loop)

    def build_dataloader(self, dataloader, seed: int | None = None, diff_rank_seed: bool = False):
        """As MMEngine's, but the run's seed and the model's sizes also reach the data sets, and workers have ten minutes for a batch.

        Raises:
            ValueError: the loader has no batch to give, or there isn't the shared memory for its workers.
        """
        if isinstance(dataloader, dict):
            dataloader = copy.deepcopy(dataloader)
            sizes = getattr(self._bare_model(), "sizes", None)
            pass_on(dataloader.get("dataset"), {"seed": seed, "sizes": sizes})
            limit_patience(dataloader)
        built = Runner.build_dataloader(dataloader, seed=seed, diff_rank_seed=diff_rank_seed)
        prepare_workers(built)
        if len(built) == 0:
            raise UserError(
                f"a data loader of {len(built.dataset)} images with batch_size {built.batch_size} and drop_last has no batch; "
                f"lower its batch_size"
            )
        return built

    def resume(self, filename: str, map_location: str = "default", **_) -> None:
        """Restores weights, optimizer, schedulers, log and counters from `filename`.

        Raises:
            ValueError: the file holds no optimizer state, or comes from another run.
        """
        device = get_device() if map_location == "default" else map_location
        checkpoint = load_checkpoint_file(filename, device)
        meta = checkpoint["meta"]
        if "optimizer" not in checkpoint or not {"epoch", "iter", "seed"} <= meta.keys():
            raise UserError(
                f"{filename} can't be resumed from: it holds weights only. Resume from {LAST_CHECKPOINT}, or start "
                "a new run from these weights with load_from"
            )
        has_grown = self._check_same_run(meta, filename)
        if any(isinstance(hook, EMAHook) for hook in self.hooks):
            with restoring(filename):
                require_averaged_weights(checkpoint)
        self._fill_model(checkpoint, filename)
        self.train_loop._epoch, self.train_loop._iter = meta["epoch"], meta["iter"]
        self.train_loop.validation_due = meta.get("validation_due", False)
        with restoring(filename):
            restore_state(self, self._bare_model(), checkpoint, has_grown)
        self.logger.info(f"Resumed from {filename}: {self.epoch} epochs, {self.iter} iterations")

    def load_checkpoint(self, filename: str, map_location="cpu", strict: bool = True, revise_keys=()) -> dict:
        """Loads all weights of the model from `filename`.

        Args:
            filename: a checkpoint of this toolkit.
            map_location: as in `torch.load`.
            strict: kept for the signature of the base class; loading is always strict.
            revise_keys: as `strict`.

        Returns:
            The checkpoint.

        Raises:
            FileNotFoundError, ValueError: see `load_checkpoint_file`; ValueError also for weights that don't fit.
        """
        checkpoint = load_checkpoint_file(filename, map_location)
        self._fill_model(checkpoint, filename)
        return checkpoint

    def _fill_model(self, checkpoint: dict, filename: str) -> None:
        self.call_hook("after_load_checkpoint", checkpoint=checkpoint)
        model = self._bare_model()
        load_model(model, checkpoint, filename)
        self._has_loaded = True
        self.logger.info(f"Loaded checkpoint {filename}")

    def _check_same_run(self, meta: dict, filename: str) -> bool:
        """Refuses the checkpoint of another run; returns whether this one has more epochs than that one."""
        stored = meta.get("run")
        own = self._identity
        if not isinstance(stored, dict):
            self.logger.warning(f"{filename} doesn't say what run it comes from: only its seed was compared.")
            stored = {**own.facts, "randomness.seed": meta["seed"]}
        return own.check_resumed(stored, filename)

    @cached_property
    def _identity(self) -> RunIdentity:
        # The train loop is built by now, and its sampler and data set hold the config's seed.
        data = {"train": self.train_dataloader.dataset}
        if self.val_loop is not None:
            data["val"] = self.val_dataloader.dataset
        return RunIdentity.of(self.cfg, self.seed, self.world_size, **data)

    def save_checkpoint(
        self,
        out_dir: str,
        filename: str,
        file_client_args: dict | None = None,
        save_optimizer: bool = True,
        save_param_scheduler: bool = True,
        meta: dict | None = None,
        by_epoch: bool = True,
        backend_args: dict | None = None,
    ) -> None:
        """Writes `out_dir`/`filename` in one step, in plain types. All processes call it, and the first one writes.

        Args:
            out_dir: a folder of the local file system.
            filename: the file's name.
            file_client_args: not supported, as `backend_args`: checkpoints are local files.
            save_optimizer: whether to add the optimizer's state, which resuming needs.
            save_param_scheduler: whether to add the state of the schedulers.
            meta: added to the checkpoint's `meta`.
            by_epoch: whether the call comes at the end of an epoch that isn't counted yet, or of an iteration.
            backend_args: see `file_client_args`.

        Raises:
            UserError: the weights aren't finite, or the file can't be written. What was there before is kept.
        """
        if file_client_args or backend_args:
            raise UserError(
                "checkpoints are written to the local file system; file_client_args and backend_args are not supported"
            )
        # Of weights that are shared out (`ShardedDataParallel`) each process has a part.
        model = self._bare_model()
        state = full_state_dict(model)
        if not is_main_process():
            return
        counters = (
            {"epoch": self.epoch + 1, "iter": self.iter} if by_epoch else {"epoch": self.epoch, "iter": self.iter + 1}
        )
        checkpoint = {
            "meta": {
                **counters,
                **(meta or {}),
                "cfg": self._config_text,
                "seed": self.seed,
                "run": self._identity.facts,
                "experiment_name": self.experiment_name,
                "time": time.strftime("%Y%m%d_%H%M%S"),
                "mmengine_version": mmengine.__version__,
            },
            "state_dict": weights_to_cpu(state),
            **gather_state(self, model, save_optimizer, save_param_scheduler),
        }
        if hasattr(self.train_dataloader.dataset, "metainfo"):
            checkpoint["meta"]["dataset_meta"] = self.train_dataloader.dataset.metainfo
        self.call_hook("before_save_checkpoint", checkpoint=checkpoint)
        broken = not_finite(checkpoint["state_dict"])
        if broken:
            raise UserError(
                f"{Path(out_dir) / filename} isn't written, as {len(broken)} weights of the model aren't finite, the first "
                f"{broken[0]}; the checkpoints of before are as they were"
            )
        plain = to_plain(checkpoint)
        if filename == LAST_CHECKPOINT:
            keep_previous(out_dir)
        save_atomically(plain, Path(out_dir) / filename)

    @cached_property
    def _config_text(self) -> str:
        # Formatting takes MMEngine up to a second.
        return self.cfg.pretty_text

    def _bare_model(self) -> nn.Module:
        return self.model.module if is_model_wrapper(self.model) else self.model
