"""Trains what a config describes."""

from collections.abc import Iterator

from mmengine.config import Config
from torch import nn

from ultraref.apis.output_folder import check_writable
from ultraref.datasets.transforms import may_change_image
from ultraref.engine.inputs import require_inputs
from ultraref.engine.launch_check import TRAINING_KEYS, check_launch, end_with_launcher
from ultraref.engine.log_files import release_log_files
from ultraref.engine.requeue import check_requeue, was_requeued
from ultraref.engine.requeue import requeue as requeue_job
from ultraref.engine.work_dir import checkpoint_to_resume
from ultraref.errors import RunStopped, UserError
from ultraref.models.checkpoint_loading import without_initial_weights
from ultraref.models.weights import WeightsProfile, WeightsUse, check_use
from ultraref.registry import RUNNERS, TRANSFORMS


def train(cfg: Config, resume: bool | str = False, amp: bool = False, launcher: str = "none", requeue: bool = False):
    """Trains, validates each epoch, and leaves `best.pth` in the work directory.

    Args:
        cfg: a config from `load_config`.
        resume: True goes on from the last checkpoint in the work directory, a path from that checkpoint.
        amp: mixed precision, whatever the config says of it.
        launcher: "none", "pytorch", "slurm" or "mpi".
        requeue: in a job of Slurm, queue the job again when SIGUSR1 or SIGTERM stopped the training. In a job that was queued again,
            by whomever, the training goes on as with `resume`.

    Returns:
        The runner, after training.

    Raises:
        ultraref.engine.inputs.MissingInputsError: data, weights or an earlier phase's results are missing; all are listed.
        RunStopped: SIGUSR1, SIGTERM or SIGINT stopped it; it is saved after the iteration that ran.
    """
    check_launch(cfg, launcher, TRAINING_KEYS)
    if requeue:
        check_requeue()
        # What a job that ran before has left is newer than a checkpoint that it once began from.
        resume = True if was_requeued() and checkpoint_to_resume(cfg.work_dir) else resume
    cfg = cfg.copy()
    cfg.launcher = launcher
    checkpoint = checkpoint_to_resume(cfg.work_dir, resume)
    cfg.resume = resume if checkpoint is None else str(checkpoint)
    if checkpoint is not None:
        cfg.model = without_initial_weights(cfg.model)
    if amp:
        cfg.optim_wrapper.type = "UltraAmpOptimWrapper"
    check_embedding_cache(cfg)
    require_inputs(cfg)
    check_writable(cfg.work_dir, "--work-dir")
    end_with_launcher(launcher)
    runner = RUNNERS.build(cfg)
    warn_of_other_fit(cfg, runner.model)
    try:
        runner.train()
    except RunStopped as stop:
        if requeue and runner.rank == 0:
            stop.message += f"; {requeue_job(stop.signal_number)}"
        raise
    finally:
        release_log_files(runner.logger)
    return runner


def check_embedding_cache(cfg: Config) -> None:
    """Refuses to cache the embeddings of images that differ in each epoch.

    Raises:
        ValueError: `embedding_cache` of the model or its refiner is set and a transform of the training pipeline moves pixels or
            changes grey values, or doesn't say that it doesn't, as those of other packages.
    """
    owners = {"model": cfg.model, "model.refiner": cfg.model.get("refiner", {})}
    for name, owner in {
        "model.network": cfg.model,
        "model.coarse_source.network": cfg.model.get("coarse_source", {}),
    }.items():
        owners[f"{name}.encoder"] = (owner.get("network") or {}).get("encoder", {})
    key = next((f"{name}.embedding_cache" for name, owner in owners.items() if owner.get("embedding_cache")), None)
    if key is None:
        return
    for where, step in _steps_before_sam(cfg.train_dataloader.dataset, "train_dataloader.dataset"):
        name = step["type"]
        if may_change_image(TRANSFORMS.get(name) if isinstance(name, str) else name):
            raise UserError(
                f"{key}: {where} ({getattr(name, '__name__', name)}) moves pixels or changes "
                f"grey values at random, so that SAM sees another image in each epoch, and the cache would only fill "
                f"the disk. Remove the transform, take RandomMirror in its place, or set embedding_cache=None"
            )


def warn_of_other_fit(cfg: Config, model: nn.Module) -> None:
    """Warns where published weights get images that fill SAM's square in another way than theirs did.

    A warning, not an error: it costs LiteMedSAM 0.012 of Dice, and the reference squashes images for a SAM that knows padded ones.
    """
    fits = {
        step.get("sam_fit", "squash")
        for _, step in _steps(cfg.train_dataloader.dataset, "train_dataloader.dataset")
        if step["type"] == "ResizeToModels" and "sam" in step.get("inputs", ("sam",))
    }
    for module in model.modules():
        profile = getattr(module, "profile", None)
        for fit in sorted(fits) if isinstance(profile, WeightsProfile) else ():
            check_use(profile, WeightsUse(fit=fit), profile.file_name, allowed=True)


def _steps_before_sam(dataset: dict, where: str) -> Iterator[tuple[str, dict]]:
    """As `_steps`, without what comes after SAM's image was made: it changes the coarse network's alone."""
    for index, step in enumerate(dataset.get("pipeline") or []):
        yield f"{where}.pipeline.{index}", step
        if step["type"] == "ResizeToModels" and "sam" in step.get("inputs", ("sam",)):
            break
    for index, part in enumerate(dataset.get("datasets", [])):
        yield from _steps_before_sam(part, f"{where}.datasets.{index}")


def _steps(dataset: dict, where: str) -> Iterator[tuple[str, dict]]:
    """Yields the config path and the config of every transform of a data set and of those that it joins."""
    for index, step in enumerate(dataset.get("pipeline") or []):
        yield f"{where}.pipeline.{index}", step
    for index, part in enumerate(dataset.get("datasets", [])):
        yield from _steps(part, f"{where}.datasets.{index}")
