"""Models as folders that can be handed on: safetensors, JSON and a card.

A bundle is a folder:

    model.safetensors   the weights of the whole model, by its state-dict keys
    config.json         model, data pipeline, provenance, and the sha256 of the weights; no Python
    README.md           the model card

It may come from anywhere, so nothing in it is run: see `ultraref.engine.portable_config`.
"""

import re
from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.model import BaseModel
from mmengine.registry import init_default_scope
from safetensors import SafetensorError
from safetensors.torch import load_file

from ultraref.datasets.fingerprints import read_seen_images, seen_images
from ultraref.engine.config_check import ConfigError, check_config
from ultraref.engine.gate_calibration import check_record, log_calibration
from ultraref.engine.portable_config import check_portable
from ultraref.errors import MissingFileError, UserError
from ultraref.json_file import read_json
from ultraref.models.checkpoint_loading import load_model
from ultraref.models.weights.lookup import sha256_of
from ultraref.models.weights.profile import STATES
from ultraref.registry import MODELS

FORMAT = "ultraref-bundle"
FORMAT_VERSION = 1
WEIGHTS_NAME, CONFIG_NAME, CARD_NAME = "model.safetensors", "config.json", "README.md"
# Keys of the part `config`, and the types of their values; each may be left out but for the first two.
CONFIG_KEYS = {"model": dict, "test_dataloader": dict, "set_name": str, "fold": (int, type(None))}
# Keys of the whole file.
_KEYS = {
    "format": str,
    "format_version": int,
    "ultraref": str,
    "weights": dict,
    "config": dict,
    "custom_imports": list,
    "provenance": dict,
    "input_contract": (dict, type(None)),
}
_PROVENANCE_KEYS = {"trained_on": list, "profiles": dict, "splits": dict, "seen_images": dict, "calibration": dict}
# Bundles of older versions have no perceptual hashes, and only those of a calibrated gate have a calibration.
_NEEDED_PROVENANCE = ("trained_on", "profiles", "splits")
_MODULE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")


def load_bundle(
    folder: str | Path, device: str | torch.device = "cpu", *, allow_custom_imports: bool = False
) -> tuple[BaseModel, Config]:
    """Loads a model from a bundle, as `ultraref export --format bundle` writes it.

    What the model was trained on, the published weights in it, and what its gate was calibrated on are noted on it
    (`ultraref.provenance`), as by loading its checkpoint. The last is logged, with what it promises.

    Args:
        folder: the bundle.
        device: where the model goes.
        allow_custom_imports: import the modules that the bundle names as `custom_imports`, which runs them. They are taken from
            where Python finds modules, not from the bundle.

    Returns:
        The model in eval mode, and a config with the keys that recipes have: `model`, `test_dataloader.dataset.pipeline`, and
        `set_name` and `fold` where the recipe had them.

    Raises:
        MissingFileError: there is no such folder, or a file of it is missing.
        UserError: a file is damaged, of a newer format, or doesn't fit; the config names something that a bundle may not; it
            needs `allow_custom_imports`.
    """
    folder = Path(folder)
    content = read_bundle(folder)
    cfg = _checked_config(content, folder, allow_custom_imports)
    state = _read_weights(content["weights"], folder)
    init_default_scope("ultraref")
    try:
        model = MODELS.build(cfg.model)
    # What a config that someone else wrote makes of a constructor can't be foreseen.
    except Exception as error:
        raise UserError(f"{folder / CONFIG_NAME}: its model can't be built: {error}") from error
    meta = {**content["provenance"], "input_contract": content["input_contract"]}
    load_model(model, {"state_dict": state, "meta": meta}, folder / WEIGHTS_NAME)
    log_calibration(model)
    return model.to(torch.device(device)).eval(), cfg


def read_bundle(folder: str | Path) -> dict:
    """Returns the content of a bundle's config.json, whose form has been checked, but not what it names.

    Raises:
        MissingFileError: there is no such folder, or it lacks a file.
        UserError: the file is damaged, of another kind, or of a newer format.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise MissingFileError(f"{folder} is no folder; a bundle is one that `ultraref export --format bundle` wrote")
    for name in (CONFIG_NAME, WEIGHTS_NAME):
        if not (folder / name).is_file():
            raise MissingFileError(f"{folder} is no bundle, or not a whole one: it has no {name}")
    path = folder / CONFIG_NAME
    content = read_json(path, "config.json of a bundle")
    if content.get("format") != FORMAT:
        raise UserError(f"{path} is not the config.json of a bundle of ultraref: its `format` is not {FORMAT!r}")
    version = content.get("format_version")
    if not isinstance(version, int) or not 1 <= version <= FORMAT_VERSION:
        raise UserError(
            f"{path} is of format version {version!r}; this ultraref reads up to {FORMAT_VERSION}. Take a newer ultraref"
        )
    _check_form(content, _KEYS, _KEYS, str(path))
    _check_form(content["config"], CONFIG_KEYS, ("model", "test_dataloader"), f"{path}: config")
    _check_form(content["provenance"], _PROVENANCE_KEYS, _NEEDED_PROVENANCE, f"{path}: provenance")
    _check_profiles(content["provenance"], path)
    if "calibration" in content["provenance"]:
        try:
            check_record(content["provenance"]["calibration"])
        except ValueError as error:
            raise UserError(f"{path}: what the gate was calibrated on can't be read: {error}") from error
    return content


def _check_form(node: dict, types: dict, needed, where: str) -> None:
    for key in needed:
        if key not in node:
            raise UserError(f"{where} has no {key!r}; the file is damaged")
    for key, value in node.items():
        if key not in types:
            raise UserError(f"{where} has {key!r}, which no bundle has; it has {', '.join(types)}")
        if not isinstance(value, types[key]):
            raise UserError(f"{where}: {key} is a {type(value).__name__}; the file is damaged")


def _check_profiles(provenance: dict, path: Path) -> None:
    """The guards against seen images read these: what they can't read must not pass for unseen."""
    sound = all(isinstance(digest, str) and re.fullmatch("[0-9a-f]{64}", digest) for digest in provenance["trained_on"])
    for record in provenance["profiles"].values():
        seen = record.get("seen") if isinstance(record, dict) else None
        sound = sound and isinstance(seen, dict)
        for entry in (seen or {}).values():
            sound = (
                sound
                and isinstance(entry, dict)
                and {"evidence", "date"} <= set(entry)
                and entry.get("state") in STATES
            )
    try:
        read_seen_images(provenance.get("seen_images", seen_images([])))
    except ValueError:
        sound = False
    if not sound:
        raise UserError(f"{path}: provenance can't be read, so that nothing would be known of what the model has seen")


def _checked_config(content: dict, folder: Path, allow_custom_imports: bool) -> Config:
    path = folder / CONFIG_NAME
    imports = content["custom_imports"]
    if not all(isinstance(name, str) and _MODULE.fullmatch(name) for name in imports):
        raise UserError(f"{path}: custom_imports is {imports}; it is a list of modules")
    if imports and not allow_custom_imports:
        raise UserError(
            f"{path} asks to import {', '.join(imports)}, which would run code. If you trust where it comes from, and have the "
            "modules, say so: load_bundle(folder, allow_custom_imports=True)"
        )
    config = content["config"]
    try:
        if imports:
            check_config(Config({"custom_imports": {"imports": imports}}))
        # Before anything looks a name up, which might import it.
        for key in ("model", "test_dataloader"):
            check_portable(config[key], key)
        cfg = Config(config)
        check_config(cfg)
    except ConfigError as error:
        raise UserError(f"{path}:\n{error}") from error
    if "type" not in config["model"]:
        raise UserError(f"{path}: config.model has no type")
    return cfg


def _read_weights(record: dict, folder: Path) -> dict[str, torch.Tensor]:
    path = folder / CONFIG_NAME
    _check_form(record, {"file": str, "sha256": str, "size": int}, ("file", "sha256", "size"), f"{path}: weights")
    # The name of the file is part of the format: one that a download chose could lead anywhere.
    if record["file"] != WEIGHTS_NAME:
        raise UserError(
            f"{path}: weights.file is {record['file']!r}; the weights of a bundle are {WEIGHTS_NAME} in its folder"
        )
    weights = folder / WEIGHTS_NAME
    size = weights.stat().st_size
    if size != record["size"] or sha256_of(weights) != record["sha256"]:
        raise UserError(
            f"{weights} is not the file that config.json was written with ({size:,} bytes, {record['size']:,} expected, or another "
            "sha256): damaged, or not wholly downloaded?"
        )
    try:
        return load_file(weights)
    except (SafetensorError, OSError, ValueError) as error:
        raise UserError(f"{weights} can't be read: {error}") from error
