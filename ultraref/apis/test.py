"""Tests a checkpoint, or several, on the test set of their config."""

import os
from collections.abc import Sequence
from pathlib import Path

from mmengine.config import Config

from ultraref.apis.converted_sets import left_out_of, use_sets
from ultraref.apis.converted_sets import skip_missing as skip_missing_images
from ultraref.apis.ensemble import describe_members, report_members, use_members
from ultraref.apis.model import require_trained
from ultraref.apis.output_folder import check_output_folder, check_writable
from ultraref.atomic import write_json
from ultraref.engine.hooks.provenance_hook import weights_seen_of
from ultraref.engine.inputs import require_inputs
from ultraref.engine.launch_check import TEST_KEYS, check_launch, end_with_launcher
from ultraref.engine.log_files import release_log_files
from ultraref.errors import MissingFileError, UserError
from ultraref.models.checkpoint_loading import without_initial_weights
from ultraref.registry import RUNNERS


def test(
    cfg: Config,
    checkpoint: str | Sequence[str] = (),
    out: str | None = None,
    show_dir: str | None = None,
    launcher: str = "none",
    tta: bool = False,
    data: Sequence[str] = (),
    part: str = "test",
    coarse: str | None = None,
    skip_missing: bool = False,
) -> dict:
    """Runs the test set and writes metrics.json and metrics.csv (a row an image) into the work directory.

    What the published weights in the model have seen of the test set is printed above the table and written into
    metrics.json as `weights_seen`: name of the set -> name of the weights -> state, evidence and date. `measured` there says how was
    measured: size, threshold, what the bootstrap drew, the splits' hashes, and the rule of each metric.

    With `data`, the sets that it names take the place of the recipe's own; metrics.json then has `tested_on`, and where there are several sets
    all metrics of each as `sets`. Where images are missing and skipped, they are listed as `left_out`.

    Several checkpoints are tested as an ensemble, the mean of their predictions (`CheckpointEnsemble`). One table compares it with each of
    them; ensemble.csv holds that table, and members/NAME/ what the test of one leaves. metrics.json says what was joined as
    `members`, and what images were flipped as `test_time_augmentation`.

    Args:
        cfg: a config from `load_config`.
        checkpoint: a checkpoint of the whole model, as tools/train.py leaves it, or several of one recipe. None tests the published
            weights, and earlier phases' checkpoints, that the config itself names.
        out: folder for the refined masks, one PNG an image in its native size, 0 and 255; None writes none.
        show_dir: folder for an overlay of every case; None draws none.
        launcher: "none", "pytorch", "slurm" or "mpi".
        data: roots of converted sets to test on, in the place of the recipe's.
        part: of those sets: "test", "val" (the fold that the recipe holds out) or "all".
        coarse: checkpoint of the coarse network that made a phase-2 recipe's predictions, where it isn't where they say.
        skip_missing: leave out and count images that aren't there, in place of an error.
        tta: also ask about mirror images: the config's `tta_model`, by default `FlipTTAModel`.

    Returns:
        The metrics by name, for example `test_refined/dice`; with images that were left out, their number as `left_out`.

    Raises:
        FileNotFoundError: there is no such checkpoint.
        UserError: no checkpoint is given and the config leaves a part untrained; one doesn't fit or was trained on a test image; the
            model can't be joined; `out` or `show_dir` is in a data root, a prediction store or the work dir of a training, or can't
            be written; sets of `data` have one name, or a phase-2 recipe's coarse network can't be found for them.
        ultraref.engine.inputs.MissingInputsError: the data are missing.
    """
    checkpoints = [checkpoint] if isinstance(checkpoint, (str, os.PathLike)) else list(checkpoint)
    for path in checkpoints:
        if not Path(path).is_file():
            raise MissingFileError(
                f"checkpoint {path} does not exist; tools/train.py leaves best.pth in its work directory"
            )
    check_launch(cfg, launcher, TEST_KEYS)
    given, cfg = cfg, cfg.copy()
    cfg.launcher = launcher
    if checkpoints:
        cfg.load_from = str(checkpoints[0])
        cfg.model = without_initial_weights(cfg.model)
    else:
        require_trained(cfg)
    if data:
        use_sets(cfg, [str(root) for root in data], part, coarse)
    elif part != "test" or coarse is not None:
        raise UserError("part and coarse are of the sets that `data` names; give it, or leave them out")
    if skip_missing:
        skip_missing_images(cfg.test_dataloader.dataset)
    # A test needs neither training data nor an optimizer.
    for key in (
        "train_dataloader",
        "train_cfg",
        "optim_wrapper",
        "param_scheduler",
        "val_dataloader",
        "val_cfg",
        "val_evaluator",
    ):
        cfg.pop(key, None)
    hooks = dict(cfg.get("default_hooks") or {}, unfreezing=None)
    cfg.test_evaluator.csv_path = str(Path(cfg.work_dir) / "metrics.csv")
    if show_dir is not None:
        hooks["overlays"] = dict(type="OverlayHook", num_test=None, show_dir=str(show_dir))
    if out is not None:
        hooks["masks"] = dict(type="MaskWriterHook", folder=str(out))
    cfg.default_hooks = hooks
    if tta or len(checkpoints) > 1:
        use_members(cfg, checkpoints, tta)
    require_inputs(cfg)
    check_writable(cfg.work_dir, "--work-dir")
    for option, folder in (("--out", out), ("--show-dir", show_dir)):
        if folder is not None:
            check_output_folder(folder, option, given)
            check_output_folder(folder, option, cfg)
    end_with_launcher(launcher)
    runner = RUNNERS.build(cfg)
    try:
        metrics = runner.test()
    finally:
        release_log_files(runner.logger)
    left_out = left_out_of(runner.test_dataloader.dataset)
    if runner.rank == 0:
        seen = weights_seen_of(runner.model, runner.test_dataloader.dataset)
        details = getattr(runner.test_evaluator.metrics[0], "details", {})
        content = {**metrics, "weights_seen": seen, **details, **describe_members(cfg)}
        if data:
            content["tested_on"] = {"part": part, "roots": [str(root) for root in data]}
        if left_out:
            content["left_out"] = left_out
        report_members(cfg, runner, metrics)
        write_json(Path(cfg.work_dir) / "metrics.json", content)
    return {**metrics, "left_out": sum(map(len, left_out.values()))} if left_out else metrics
