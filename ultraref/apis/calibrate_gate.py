"""Calibrates a `ConformalGate` on the validation images of a config."""

import copy
from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.model import BaseModel
from mmengine.registry import init_default_scope
from rich.progress import track
from torch.utils.data import DataLoader, Dataset

from ultraref import provenance
from ultraref.apis.output_folder import check_writable_file
from ultraref.checkpoint import load_checkpoint_file, save_atomically, to_plain
from ultraref.datasets.collate import stack_collate
from ultraref.engine.component_lookup import pass_on
from ultraref.engine.gate_calibration import data_hash
from ultraref.engine.hooks.provenance_hook import set_names
from ultraref.engine.inputs import require_inputs
from ultraref.engine.seen_images import find_seen, image_hashes
from ultraref.errors import UserError
from ultraref.evaluation import RefinementMetric
from ultraref.evaluation.metrics import CHANGE
from ultraref.evaluation.statistics import conformal_threshold, resampling_of
from ultraref.models.checkpoint_loading import load_model, without_initial_weights
from ultraref.models.gates import ConformalGate
from ultraref.registry import DATASETS, METRICS, MODELS


def calibrate_gate(
    cfg: Config, checkpoint: str | Path, alpha: float = 0.05, out: str | Path | None = None, device: str | None = None
) -> tuple[Path, dict]:
    """Chooses the gate's threshold so that the share of harmed units is at most alpha, and writes a checkpoint that holds it.

    Every validation image is refined as if it were accepted. It is harmed where Dice falls by more than 0.01, in the frame of the
    config's val_evaluator; a unit (the patient where known, else the group of near-duplicates, else the image) where an accepted image of it
    is. The threshold is that of `conformal_threshold`.

    Args:
        cfg: a config whose `model.gate` is a `ConformalGate`; its validation data are calibrated on.
        checkpoint: of this config, or of one that has the gate inside the `ConformalGate` as its `model.gate`.
        alpha: greatest share of harmed units, in (0, 1).
        out: the checkpoint that is written; by default NAME_calibrated.pth beside the given one.
        device: by default CUDA where there is one.

    Returns:
        The file that was written, and its `meta["calibration"]`: `n` (units), `unit`, `images`, `alpha`, `score`, `gate`, `threshold` in words, `change`
        (0.01), `accepted` (share of the images), `harmed` (units), `sets` and `data_hash`.

    Raises:
        FileNotFoundError: the checkpoint or the data are missing.
        UserError: the gate is another one, the checkpoint has seen an image that is calibrated on, or a copy of it (`find_seen`), or doesn't
            fit, `out` is the checkpoint itself, or `alpha` is out of range.
    """
    checkpoint = Path(checkpoint)
    target = checkpoint.with_name(f"{checkpoint.stem}_calibrated.pth") if out is None else Path(out)
    _check_arguments(cfg, checkpoint, target, alpha)
    check_writable_file(target, "--out")
    model, meta = _load(cfg, checkpoint)
    model = model.to(torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))).eval()
    config = copy.deepcopy(cfg.val_dataloader.dataset)
    pass_on(config, {"sizes": model.sizes})
    dataset = DATASETS.build(config)
    _refuse_seen(model, dataset, checkpoint)

    scores, rows = _measure(cfg, model, dataset)
    units = resampling_of(rows)
    harmed = [(row.get("delta_dice") or 0.0) < -CHANGE for row in rows]
    found = conformal_threshold(scores, harmed, units.groups, alpha)
    model.gate.set_threshold(found.threshold)
    record = dict(
        n=found.units,
        unit=units.unit,
        images=len(rows),
        alpha=float(alpha),
        **model.gate.settings,
        threshold=f"{found.threshold:.4g}",
        change=CHANGE,
        accepted=found.accepted,
        harmed=found.harmed,
        sets=list(dict.fromkeys(set_names(dataset))),
        data_hash=data_hash(image_hashes(dataset).values()),
    )
    meta = {**meta, "cfg": cfg.pretty_text, "calibration": record}
    # Weights alone: a training goes on from the checkpoint that was given.
    save_atomically(to_plain({"meta": meta, "state_dict": model.state_dict()}), target)
    return target, record


def _check_arguments(cfg: Config, checkpoint: Path, target: Path, alpha: float) -> None:
    if target.resolve() == checkpoint.resolve():
        raise UserError(f"{target} is the checkpoint that is calibrated; give another --out, as it is not overwritten")
    gate = cfg.model.get("gate", {}).get("type")
    if gate != "ConformalGate":
        raise UserError(
            f"{cfg.filename}: model.gate is {gate}, but only a ConformalGate is calibrated; see configs/ablations/gates/gate_conformal.py"
        )
    if not 0 < alpha < 1:
        raise UserError(f"alpha is {alpha}; it must lie between 0 and 1, such as 0.05")


def _load(cfg: Config, checkpoint: Path) -> tuple[BaseModel, dict]:
    """Returns the model of the config, filled, and the checkpoint's meta without an earlier calibration, which may be of another score."""
    loaded = load_checkpoint_file(checkpoint)
    require_inputs(_for_calibration(cfg))
    init_default_scope("ultraref")
    model = MODELS.build(without_initial_weights(cfg.model))
    meta = {key: value for key, value in loaded["meta"].items() if key != "calibration"}
    load_model(model, {"state_dict": _with_conformal_gate(loaded["state_dict"]), "meta": meta}, checkpoint)
    return model, meta


def _for_calibration(cfg: Config) -> Config:
    """The config without what calibrating doesn't need."""
    needed = cfg.copy()
    for key in ("train_dataloader", "test_dataloader", "load_from"):
        needed.pop(key, None)
    needed.model = without_initial_weights(needed.model)
    return needed


def _with_conformal_gate(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Names the weights of a model without a `ConformalGate` as those of one that has its gate inside."""
    if "gate.threshold" in state:
        return state
    moved = {f"gate.{key}" if key.startswith("gate.") else key: value for key, value in state.items()}
    buffers = {name: value for name, value in ConformalGate().state_dict().items() if "." not in name}
    return {**moved, **{f"gate.{name}": value for name, value in buffers.items()}}


def _refuse_seen(model: BaseModel, dataset: Dataset, checkpoint: Path) -> None:
    if not any(provenance.collect(model).values()):
        raise UserError(
            f"{checkpoint} doesn't say which images it was trained on, and a gate is calibrated on images that the model has not seen; "
            "give one that tools/train.py wrote"
        )
    seen = find_seen(model, dataset)
    if seen.names:
        raise UserError(
            f"{checkpoint} was trained on {len(seen.names)} of the {len(image_hashes(dataset))} validation images, where it harms less than "
            f"elsewhere:\n  {seen.describe()}\nCalibrate with the fold that it held out, and leave copies of other sets out (`exclude` of the data "
            "set, tools/audit_leakage.py)"
        )


@torch.inference_mode()
def _measure(cfg: Config, model: BaseModel, dataset: Dataset) -> tuple[list[float], list[dict]]:
    """Returns score and row of the table of cases of each image, everything being accepted."""
    metric = METRICS.build(dict(cfg.val_evaluator, measures=dict(overlap=dict(type="OverlapMeasure")), csv_path=None))
    if not isinstance(metric, RefinementMetric):
        raise UserError(
            f"{cfg.filename}: val_evaluator is a {type(metric).__name__}; harm is told by a RefinementMetric"
        )
    scores: list[float] = []

    def keep_scores(gate: ConformalGate, args: tuple, kwargs: dict, _) -> None:
        coarse_prob, sam_prob, *_ = args
        scores.extend(gate.scores(coarse_prob, sam_prob, kwargs.get("facts")).tolist())

    model.gate.set_threshold(-torch.inf)
    handle = model.gate.register_forward_hook(keep_scores, with_kwargs=True)
    loader = DataLoader(
        dataset,
        batch_size=cfg.val_dataloader.batch_size,
        num_workers=cfg.val_dataloader.get("num_workers", 0),
        collate_fn=stack_collate,
    )
    try:
        for batch in track(loader, description="calibration", transient=True):
            samples = model(**model.data_preprocessor(batch), mode="predict")
            metric.process(batch, [sample.to_dict() for sample in samples])
    finally:
        handle.remove()
    return scores, metric.results
