"""The test of several checkpoints, or of flipped images: how the config changes for it, and what it leaves."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from mmengine.config import Config
from mmengine.logging import MMLogger
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner

from ultraref.apis.compare import distinct_names
from ultraref.apis.model import tta_config
from ultraref.atomic import write_json
from ultraref.engine.hooks.provenance_hook import weights_seen_of
from ultraref.errors import UserError
from ultraref.evaluation.ensemble_table import ENSEMBLE, ensemble_table, write_ensemble
from ultraref.evaluation.member_metric import MemberMetric

MEMBERS = "members"


def member_names(checkpoints: Sequence[str | os.PathLike]) -> list[str]:
    """Returns what the models of an ensemble are called: by the folder of each checkpoint, where those differ, else by its path.

    Raises:
        UserError: a checkpoint is given twice, or one would be called as the ensemble is.
    """
    paths = [Path(path).resolve() for path in checkpoints]
    if len(set(paths)) < len(paths):
        raise UserError(f"a checkpoint is given twice: {', '.join(map(str, checkpoints))}")
    folders = [path.parent for path in paths]
    names = distinct_names(folders if len(set(folders)) == len(folders) else [path.with_suffix("") for path in paths])
    if ENSEMBLE in names:
        raise UserError(f"a checkpoint lies in a folder {ENSEMBLE!r}, which the table calls the mean of all; rename it")
    return names


def use_members(cfg: Config, checkpoints: Sequence[str], tta: bool) -> None:
    """Puts the models of the checkpoints in the place of the config's, and has each measured where there are several.

    Args:
        cfg: changed in place; its `test_evaluator.csv_path` is set.
        checkpoints: of the config's model.
        tta: whether each stands in the config's `tta_model`, by default `FlipTTAModel`.
    """
    wrapper = tta_config(cfg) if tta else None
    cfg.load_from = None
    cfg.model = dict(
        type="CheckpointEnsemble",
        model=cfg.model.to_dict(),
        checkpoints=[str(path) for path in checkpoints],
        tta_model=wrapper,
    )
    if len(checkpoints) == 1:
        return
    if cfg.test_evaluator.type != "RefinementMetric":
        raise UserError(
            f"test_evaluator is a {cfg.test_evaluator.type}; the models of an ensemble are measured by RefinementMetric"
        )
    own = [
        dict(
            cfg.test_evaluator.to_dict(),
            type="MemberMetric",
            member=number,
            csv_path=str(_folder(cfg, name) / "metrics.csv"),
        )
        for number, name in enumerate(member_names(checkpoints))
    ]
    cfg.test_evaluator = [cfg.test_evaluator.to_dict(), *own]


def describe_members(cfg: Config) -> dict:
    """Returns what metrics.json says of how the prediction was made: nothing of the plain test of one checkpoint."""
    if cfg.model.type != "CheckpointEnsemble":
        return {}
    described = {}
    if cfg.model.tta_model is not None:
        described["test_time_augmentation"] = cfg.model.tta_model.to_dict()
    if len(cfg.model.checkpoints) > 1:
        described[MEMBERS] = dict(zip(member_names(cfg.model.checkpoints), cfg.model.checkpoints))
    return described


def report_members(cfg: Config, runner: Runner, ensemble: Mapping[str, float]) -> None:
    """Prints the table of the models and the ensemble, and writes it and what a test of each would have left.

    Writes ensemble.csv, and members/NAME/metrics.json beside the metrics.csv that is there.
    """
    metrics = [metric for metric in runner.test_evaluator.metrics if isinstance(metric, MemberMetric)]
    if not metrics:
        return
    models = (runner.model.module if is_model_wrapper(runner.model) else runner.model).models
    means = {}
    for name, checkpoint, metric, model in zip(
        member_names(cfg.model.checkpoints), cfg.model.checkpoints, metrics, models
    ):
        means[name] = metric.means
        content = {
            **metric.means,
            "weights_seen": weights_seen_of(model, runner.test_dataloader.dataset),
            **metric.details,
            "checkpoint": checkpoint,
        }
        if cfg.model.tta_model is not None:
            content["test_time_augmentation"] = cfg.model.tta_model.to_dict()
        write_json(_folder(cfg, name) / "metrics.json", content)
    write_ensemble(Path(cfg.work_dir) / f"{ENSEMBLE}.csv", means, ensemble)
    images = len(runner.test_dataloader.dataset)
    title = f"{len(means)} checkpoints on the same {images} test images, and the mean of their predictions"
    MMLogger.get_current_instance().info("\n" + ensemble_table(means, ensemble, title))


def _folder(cfg: Config, name: str) -> Path:
    return Path(cfg.work_dir) / MEMBERS / name
