"""What must hold before a command starts to work: how it was started, and that its config says all that it needs."""

import os
from collections.abc import Sequence

from mmengine.config import Config

from ultraref.engine.config_check import ConfigError
from ultraref.errors import UserError
from ultraref.processes import end_with_parent

TRAINING_KEYS = ("model", "train_dataloader", "train_cfg", "optim_wrapper")
TEST_KEYS = ("model", "test_dataloader", "test_evaluator")
# Variables that a launcher sets, and the program that it is.
_LAUNCHERS = {
    "pytorch": (("RANK", "LOCAL_RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"), "torchrun"),
    "slurm": (("SLURM_PROCID", "SLURM_NTASKS", "SLURM_NODELIST"), "srun"),
    "mpi": (("OMPI_COMM_WORLD_LOCAL_RANK", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"), "mpirun"),
}

# What means nothing without workers, and how it is turned off.
_OFF = {"persistent_workers": "False", "prefetch_factor": "None", "timeout": "0"}
# Seconds that a process whose torchrun was killed has to save what it reached.
_GRACE = 20.0


def check_launch(cfg: Config, launcher: str, needed: Sequence[str]) -> None:
    """Checks how a command was started, its launcher and its config's data loaders.

    Args:
        cfg: the config.
        launcher: "none" or a key of `_LAUNCHERS`.
        needed: keys that the config must have.

    Raises:
        UserError: the launcher's program didn't start this process, or did without --launcher; keys are missing; a data loader
            without workers is told what its workers do; weights are to be shared out and averaged.
    """
    lacking = [key for key in needed if cfg.get(key) is None]
    if lacking:
        raise ConfigError(f"{cfg.filename} has no {', '.join(lacking)}; is it the config of a whole run?")
    for name in ("train_dataloader", "val_dataloader", "test_dataloader"):
        loader = cfg.get(name) or {}
        for option in _OFF:
            if not loader.get("num_workers", 0) and loader.get(option):
                raise ConfigError(
                    f"{name}.{option} is {loader[option]}, but {name}.num_workers is 0: without workers it means nothing. Set "
                    f"num_workers to at least 1, or {name}.{option} to {_OFF[option]}"
                )
    _check_sharding(cfg)
    _check_launcher(launcher)


def _check_sharding(cfg: Config) -> None:
    hooks = [*(cfg.get("default_hooks") or {}).values(), *(cfg.get("custom_hooks") or [])]
    averages = any(hook and "EMAHook" in str(hook.get("type")) for hook in hooks)
    if averages and (cfg.get("model_wrapper_cfg") or {}).get("type") == "ShardedDataParallel":
        raise ConfigError(
            "model_wrapper_cfg is ShardedDataParallel, but an EMAHook keeps a second copy of the model, which can't be made of weights that "
            "are shared out. Leave out one of them"
        )


def _check_launcher(launcher: str) -> None:
    if launcher == "none":
        # Each of its processes would train by itself, all in one folder.
        if "TORCHELASTIC_RUN_ID" in os.environ and os.environ.get("WORLD_SIZE", "1") != "1":
            raise UserError(
                f"torchrun started {os.environ['WORLD_SIZE']} processes, but without --launcher pytorch each of them would run by "
                "itself. Add --launcher pytorch"
            )
        return
    variables, program = _LAUNCHERS[launcher]
    lacking = [name for name in variables if name not in os.environ]
    if lacking:
        raise UserError(
            f"--launcher {launcher} is for processes that {program} starts, but this one lacks the variable {lacking[0]} that it "
            f"sets. Start the command with {program}, or leave out --launcher"
        )


def end_with_launcher(launcher: str) -> None:
    """Ends a process that torchrun started when torchrun has ended, even if that was killed: as by SIGTERM, which a training answers.

    srun and mpirun do so themselves. A process that nobody launched outlives the shell that it was started from, as with nohup.
    """
    if launcher == "pytorch" and "TORCHELASTIC_RUN_ID" in os.environ:
        end_with_parent(_GRACE)
