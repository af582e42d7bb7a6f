"""Writes a model as a bundle: see `ultraref.apis.bundle`."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.model import BaseModel
from safetensors.torch import save_file
from torch import Tensor

from ultraref import provenance
from ultraref.apis.bundle import CARD_NAME, CONFIG_NAME, FORMAT, FORMAT_VERSION, WEIGHTS_NAME, load_bundle
from ultraref.apis.export.model_card import model_card
from ultraref.atomic import atomic_file, write_json
from ultraref.datasets.fingerprints import read_seen_images, seen_images
from ultraref.datasets.splits import SPLITS_NAME, Splits
from ultraref.engine.portable_config import check_portable, portable
from ultraref.errors import UserError
from ultraref.models.weights.lookup import sha256_of
from ultraref.version import __version__


def write_bundle(cfg: Config, model: BaseModel, checkpoint: Path, folder: Path) -> None:
    """Fills an empty folder with a bundle, and loads it once to see that it gives the same weights.

    Args:
        cfg: the config that the model was built from.
        model: filled with the checkpoint, on the CPU.
        checkpoint: where it came from; its results, if any, lie beside it.
        folder: an empty one.

    Raises:
        UserError: the config names what a bundle can't hold, or the weights don't come back as they were.
    """
    # Those weights that are the same tensor under two names, and those that are not contiguous, safetensors refuses.
    state = {key: _tensor(key, value) for key, value in model.state_dict().items()}
    save_file(state, folder / WEIGHTS_NAME)
    content = bundle_content(cfg, model, checkpoint)
    content["weights"] = {
        "file": WEIGHTS_NAME,
        "sha256": sha256_of(folder / WEIGHTS_NAME),
        "size": (folder / WEIGHTS_NAME).stat().st_size,
    }
    write_json(folder / CONFIG_NAME, content)
    with atomic_file(folder / CARD_NAME, "w") as file:
        file.write(model_card(cfg, content, checkpoint))
    _check(folder, state)


def bundle_content(cfg: Config, model: BaseModel, checkpoint: Path) -> dict:
    """Returns what config.json says, but for `weights`."""
    pipeline = portable(list(_pipeline(cfg)), "test_dataloader.dataset.pipeline")
    config = {
        "model": portable(cfg.model.to_dict()),
        "test_dataloader": {"dataset": {"pipeline": pipeline}},
        **({"set_name": cfg.set_name, "fold": cfg.get("fold")} if "set_name" in cfg else {}),
    }
    for key in ("model", "test_dataloader"):
        check_portable(config[key], key)
    calibration = provenance.calibration_of(model)
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "ultraref": __version__,
        "config": config,
        "custom_imports": list((cfg.get("custom_imports") or {}).get("imports", [])),
        "provenance": {
            "trained_on": sorted(frozenset().union(*provenance.collect(model).values())),
            "seen_images": _seen_images(model),
            "profiles": portable(_profiles(model, checkpoint), "profiles"),
            "splits": _splits(cfg),
            **({} if calibration is None else {"calibration": portable(calibration, "calibration")}),
        },
        "input_contract": portable(model.input_contract(), "input_contract")
        if hasattr(model, "input_contract")
        else None,
    }


def _seen_images(model: BaseModel) -> dict:
    """Perceptual hashes of what the checkpoint was trained on, without the places of the images on this machine."""
    records = (record for record in provenance.collect_seen_images(model).values() if record is not None)
    return seen_images(replace(each, files=None) for record in records for each in read_seen_images(record))


def _profiles(model: BaseModel, checkpoint: Path) -> dict[str, dict]:
    """The records of the published weights; a checkpoint that has none is called by its file's name, not its place here."""
    records = provenance.collect_weights(model)
    if str(checkpoint) in records:
        records[checkpoint.name] = {**records.pop(str(checkpoint)), "name": checkpoint.name}
    return records


def _splits(cfg: Config) -> dict[str, str]:
    """Name of a set -> hash of its splits, of the data that the config names and that are there."""
    found = {}
    for key in ("train_dataloader", "test_dataloader"):
        dataset = (cfg.get(key) or {}).get("dataset") or {}
        for part in (dataset, *dataset.get("datasets", ())):
            root = part.get("data_root")
            if isinstance(root, str) and Path(root, SPLITS_NAME).is_file():
                splits = Splits.read(root)
                found[splits.dataset] = splits.hash
    return found


def _pipeline(cfg: Config) -> Iterator[dict]:
    loader = cfg.get("test_dataloader") or cfg.get("val_dataloader")
    dataset = (loader or {}).get("dataset") or {}
    pipelines = [part.get("pipeline") for part in (dataset, *dataset.get("datasets", ())) if part.get("pipeline")]
    if not pipelines:
        raise UserError(
            "the config has no test_dataloader.dataset.pipeline, which says how an image is brought to the model"
        )
    if any(pipeline != pipelines[0] for pipeline in pipelines):
        raise UserError(
            "the sets of test_dataloader have different pipelines; export the model with the config of one set"
        )
    yield from (step.to_dict() if hasattr(step, "to_dict") else step for step in pipelines[0])


def _tensor(key: str, value) -> Tensor:
    if not isinstance(value, Tensor):
        raise UserError(f"the state {key!r} of the model is a {type(value).__name__}; a bundle holds tensors only")
    return value.detach().cpu().clone(memory_format=torch.contiguous_format)


def _check(folder: Path, state: dict[str, Tensor]) -> None:
    """Loads the bundle, with the modules that it asks for, which this process has imported already."""
    loaded = load_bundle(folder, allow_custom_imports=True)[0].state_dict()
    differing = [key for key, value in state.items() if not _same(loaded[key], value)]
    if differing:
        raise UserError(f"the bundle's weights differ from the checkpoint's: {', '.join(differing[:5])}")


def _same(first: Tensor, second: Tensor) -> bool:
    return first.dtype == second.dtype and torch.equal(first.nan_to_num(), second.nan_to_num())
