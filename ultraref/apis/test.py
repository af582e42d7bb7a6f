"""Tests a checkpoint on the test set of its config."""

from pathlib import Path

from mmengine.config import Config

from ultraref.apis.output_folder import check_output_folder, check_writable
from ultraref.atomic import write_json
from ultraref.engine.hooks.provenance_hook import weights_seen_of
from ultraref.engine.inputs import require_inputs
from ultraref.engine.launch_check import TEST_KEYS, check_launch
from ultraref.errors import MissingFileError
from ultraref.models.checkpoint_loading import without_initial_weights
from ultraref.registry import RUNNERS


def test(
    cfg: Config, checkpoint: str, out: str | None = None, show_dir: str | None = None, launcher: str = "none"
) -> dict:
    """Runs the test set and writes metrics.json and metrics.csv (a row an image) into the work directory.

    What the published weights in the model have seen of the test set is printed above the table and written into
    metrics.json as `weights_seen`: name of the set -> name of the weights -> state, evidence and date. `measured` there says how was
    measured: size, threshold, what the bootstrap drew, the splits' hashes, and the rule of each metric.

    Args:
        cfg: a config from `load_config`.
        checkpoint: a checkpoint of the whole model, as tools/train.py leaves it.
        out: folder for the refined masks, one PNG an image in its native size, 0 and 255; None writes none.
        show_dir: folder for an overlay of every case; None draws none.
        launcher: "none", "pytorch", "slurm" or "mpi".

    Returns:
        The metrics by name, for example `test_refined/dice`.

    Raises:
        FileNotFoundError: there is no such checkpoint.
        UserError: `out` or `show_dir` is in a data root, a prediction store or the work dir of a training, or can't be written.
        ultraref.engine.inputs.MissingInputsError: the data are missing.
    """
    if not Path(checkpoint).is_file():
        raise MissingFileError(
            f"checkpoint {checkpoint} does not exist; tools/train.py leaves best.pth in its work directory"
        )
    check_launch(cfg, launcher, TEST_KEYS)
    given, cfg = cfg, cfg.copy()
    cfg.launcher = launcher
    cfg.load_from = str(checkpoint)
    cfg.model = without_initial_weights(cfg.model)
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
    require_inputs(cfg)
    check_writable(cfg.work_dir, "--work-dir")
    for option, folder in (("--out", out), ("--show-dir", show_dir)):
        if folder is not None:
            check_output_folder(folder, option, given)
    runner = RUNNERS.build(cfg)
    metrics = runner.test()
    if runner.rank == 0:
        seen = weights_seen_of(runner.model, runner.test_dataloader.dataset)
        details = {}
        for metric in runner.test_evaluator.metrics:
            details.update(getattr(metric, "details", {}))
        write_json(Path(cfg.work_dir) / "metrics.json", {**metrics, "weights_seen": seen, **details})
    return metrics
