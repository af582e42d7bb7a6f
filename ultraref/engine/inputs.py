"""What a run needs from outside (data, weights, results of an earlier phase), and what of it is missing."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from glob import glob
from pathlib import Path
from shlex import quote

from mmengine.config import Config

from ultraref.errors import MissingFileError, UserError
from ultraref.json_file import read_json
from ultraref.models.weights import PROFILES, weights_folder

_TRAINING_KEYS = ("load_from", "model", "train_dataloader", "val_dataloader")
_TEST_KEYS = ("load_from", "model", "test_dataloader")
_ADVICE = {
    "data set": "convert the published files with tools/dataset_converters/NAME.py",
    "checkpoint": "train the phase that it belongs to with tools/train.py, or download the published weights",
    "exclusion manifest": "make it with tools/audit_leakage.py, or take the path out of the config",
    "annotations": "write them with tools/dataset_converters/to_coco.py",
    "predictions": "predict with tools/predict_coarse.py and the checkpoint of that fold's coarse network",
}


@dataclass(frozen=True)
class Input:
    """A file that a config needs.

    Attributes:
        config_key: where the config asks for it, e.g. "train_dataloader.dataset.data_root".
        path: the file; of predictions a pattern, where the data that tell the folds aren't there.
        kind: "data set", "checkpoint", "predictions", "exclusion manifest" or "annotations".
    """

    config_key: str
    path: str
    kind: str


@dataclass(frozen=True)
class MissingInput(Input):
    """An input that isn't there.

    Attributes:
        command: how to make it: a command from the config's `made_by`, else advice in words.
    """

    command: str


class MissingInputsError(MissingFileError):
    """Inputs are missing; `missing` holds them all."""

    def __init__(self, missing: list[MissingInput]):
        # The argument is what another process makes the error of again.
        super().__init__(missing)
        self.missing = missing

    def __str__(self) -> str:
        lines = [f"- {m.path} ({m.kind}, {m.config_key})\n    {m.command}" for m in self.missing]
        return f"{len(lines)} missing input{'s' if len(lines) > 1 else ''}:\n" + "\n".join(lines)


def require_inputs(cfg: Config) -> None:
    """Raises MissingInputsError with all that the config needs and that isn't there."""
    missing = find_missing_inputs(cfg)
    if missing:
        raise MissingInputsError(missing)


def require_weights(cfg: Config) -> None:
    """As `require_inputs`, of what the model alone needs: for a use without a data set."""
    missing = find_missing_inputs(cfg, ("model",))
    if missing:
        raise MissingInputsError(missing)


def find_missing_inputs(cfg: Config, keys: Sequence[str] | None = None) -> list[MissingInput]:
    """Returns what a config needs and that isn't there, each file once: see `find_inputs`.

    Args:
        cfg: the config. Its top-level `made_by` maps a file, or a folder that it lies in, to the command that makes
            it. A placeholder in the path fills the same one in the command: {"preds/fold{k}": "predict.py fold{k}"}.
        keys: see `find_inputs`.
    """
    return [missing_input(cfg, found) for found in find_inputs(cfg, keys) if not is_there(found.path)]


def find_inputs(cfg: Config, keys: Sequence[str] | None = None) -> list[Input]:
    """Returns the files that a config needs from outside, each once.

    Looked at are data roots (their splits.json), checkpoint files of the model's parts and `load_from`, and, for data
    sets with stored predictions, the manifest of every fold that their images need, exclusion manifests and COCO files. A config with a `train_dataloader`
    is taken for a training run (its test data are not asked for), any other for a test.

    Args:
        cfg: the config.
        keys: keys of the config that are looked at; by default those of a training or a test.
    """
    keys = keys or (_TRAINING_KEYS if cfg.get("train_dataloader") is not None else _TEST_KEYS)
    found: dict[str, Input] = {}
    for key in keys:
        for where, path, kind in _needs(cfg.get(key), key):
            found.setdefault(path, Input(where, path, kind))
    return list(found.values())


def missing_input(cfg: Config, needed: Input) -> MissingInput:
    """Returns an input of a config that isn't there, with how to make it."""
    command = _command(cfg.get("made_by") or {}, needed.path) or _download(needed.path) or _ADVICE[needed.kind]
    return MissingInput(needed.config_key, needed.path, needed.kind, command)


def fetchable_weights(path: str) -> str | None:
    """Returns the name under which a published file can be fetched to a path in the folder of weights, None for other files."""
    is_kept_there = Path(path).parent.resolve() == weights_folder().resolve()
    names = (profile.name for profile in PROFILES if profile.file_name == Path(path).name and profile.is_fetchable)
    return next(names, None) if is_kept_there else None


def _needs(node, where: str) -> Iterator[tuple[str, str, str]]:
    """Yields (config key, file, kind) of all inputs named at or below `node`."""
    if isinstance(node, str):
        if where.rpartition(".")[2] in ("checkpoint", "load_from", "pretrained") and "://" not in node:
            yield where, node, "checkpoint"
    elif isinstance(node, dict):
        if isinstance(node.get("data_root"), str):
            yield f"{where}.data_root", str(Path(node["data_root"], "splits.json")), "data set"
            if isinstance(node.get("predictions"), str):
                for folder in _prediction_folders(node):
                    path = str(Path(node["predictions"], folder, "manifest.json"))
                    yield f"{where}.predictions", path, "predictions"
        for key in ("exclude", "ann_file"):
            if isinstance(node.get(key), str):
                yield f"{where}.{key}", node[key], "exclusion manifest" if key == "exclude" else "annotations"
        if isinstance(node.get("datasets"), (list, tuple)):
            # ConcatLesionDataset hands on what the sets have in common.
            shared = {
                key: node[key] for key in ("split", "fold", "predictions", "exclude") if node.get(key) is not None
            }
            node = {**node, "datasets": [{**shared, **part} for part in node["datasets"] if isinstance(part, dict)]}
        # A part that is filled from a checkpoint, strictly, needs none of the weights that its own parts start from.
        whole = {"checkpoint": node["checkpoint"]} if isinstance(node.get("checkpoint"), str) else node
        for key, value in whole.items():
            yield from _needs(value, f"{where}.{key}")
    elif isinstance(node, (list, tuple)):
        for index, value in enumerate(node):
            yield from _needs(value, f"{where}.{index}")


def _prediction_folders(dataset: dict) -> list[str]:
    """The folders of a prediction store that a data set reads: its images' own folds, for a test set its `fold`."""
    split, fold = dataset.get("split", "train"), dataset.get("fold")
    if split in ("val", "test"):
        return [f"fold{fold}/{split}"]
    try:
        content = read_json(Path(dataset["data_root"], "splits.json"))
        folds = sorted({entry["fold"] for entry in content["images"].values() if entry["fold"] is not None})
    except (UserError, KeyError, TypeError, AttributeError):
        # Without the data, which are reported missing, the folds aren't known.
        return ["fold*/val"]
    return [f"fold{f}/val" for f in folds if f != fold]


def is_there(path: str) -> bool:
    """Whether an input, or any file of a pattern, is there."""
    expanded = str(Path(path).expanduser())
    return Path(expanded).is_file() or ("*" in expanded and bool(glob(expanded)))


def _download(path: str) -> str | None:
    """The command that fetches a published file, known by its name, to where the config looks for it."""
    for profile in PROFILES:
        if profile.file_name == Path(path).name and profile.is_fetchable:
            folder = Path(path).parent
            where = "" if folder.resolve() == weights_folder().resolve() else f"ULTRAREF_WEIGHTS={quote(str(folder))} "
            return f"{where}python tools/get_weights.py get {profile.name}"
    return None


def _command(made_by: dict[str, str], path: str) -> str | None:
    """Finds the command for a path, else for its nearest parent folder, and fills in placeholders."""
    for candidate in (Path(path), *Path(path).parents):
        for key, command in made_by.items():
            # "preds/fold{fold}" becomes preds/fold(?P<fold>[^/]+).
            pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(str(Path(key))))
            match = re.fullmatch(pattern, str(candidate))
            if match:
                for name, value in match.groupdict().items():
                    command = command.replace(f"{{{name}}}", value)
                return command
    return None
