"""What a run's folder tells beside its metrics: config, versions, checkpoint, parameters, data."""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ultraref.apis.export.model_card import digest_of
from ultraref.apis.report.plain_config import plain_config, section
from ultraref.checkpoint import load_checkpoint_file
from ultraref.datasets.splits import Splits
from ultraref.errors import UserError

# Lines of the log that say on what was tested.
_ENVIRONMENT = ("Python", "PyTorch", "CUDA available", "GPU 0", "OpenCV", "MMEngine")
# Statistics of batch norms are in a state dict, but are no parameters.
_STATISTICS = ("running_mean", "running_var", "num_batches_tracked")


@dataclass(frozen=True)
class RunFacts:
    """What a run's folder tells.

    Attributes:
        config_text, config: of the test, else of the training that the checkpoint is of; nothing where neither is there.
        environment: versions and device that the test's log names.
        checkpoint: the tested file as the config names it; empty where it isn't known.
        parameters: number of values by part of the model; nothing where the checkpoint isn't there.
        meta: of the checkpoint.
        trained_on: number of images that a part of the model was trained on, and the digest of their hashes; None where the
            checkpoint doesn't say.
        splits: by set, what its splits.json says, where the data are there.
        milliseconds: of the test, an image: loading, model and measuring; None where the test's log isn't there.
    """

    config_text: str = ""
    config: Mapping = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    checkpoint: str = ""
    parameters: Mapping[str, int] = field(default_factory=dict)
    meta: Mapping = field(default_factory=dict)
    trained_on: tuple[int, str] | None = None
    splits: Mapping[str, Splits] = field(default_factory=dict)
    milliseconds: float | None = None

    @property
    def gate(self) -> str:
        """What the gate is, in words; empty where it isn't known or the model has none to name."""
        gate = section(self.config, "model", "gate")
        if not isinstance(gate.get("type"), str):
            return ""
        if gate["type"] != "ConstantGate":
            return gate["type"]
        value = gate.get("value", 1.0)
        return "none" if value == 1 else f"constant {value}"


def read_facts(folder: Path) -> RunFacts:
    """Reads what is there; what isn't, or can't be read, is left out."""
    test = _newest_test(folder)
    text = _read(test / "vis_data" / "config.py") if test else ""
    config = plain_config(text)
    named = config.get("load_from")
    # Relative to where the test was called, which may be elsewhere.
    places = [Path(named), folder / Path(named).name] if isinstance(named, str) else [folder / "best.pth"]
    path = next((place for place in places if place.is_file()), None)
    content = _load(path) if path is not None else {}
    meta = content.get("meta") or {}
    if not config and isinstance(meta.get("cfg"), str):
        text, config = meta["cfg"], plain_config(meta["cfg"])
    hashes = meta.get("trained_on")
    return RunFacts(
        config_text=text,
        config=config,
        environment=_environment(test) if test else {},
        checkpoint=str(named or path or ""),
        parameters=_parameters(content.get("state_dict") or {}),
        meta=meta,
        trained_on=(len(hashes), digest_of(hashes)) if hashes else None,
        splits=_splits(config),
        milliseconds=_milliseconds(test, config) if test else None,
    )


def _newest_test(folder: Path) -> Path | None:
    """The folder of the last test's log, which holds its metrics as TIME/TIME.json."""
    found = sorted(log for log in folder.glob("*_*/") if (log / f"{log.name}.json").is_file())
    return found[-1] if found else None


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _load(path: Path) -> Mapping:
    try:
        return load_checkpoint_file(path)
    except UserError:
        return {}


def _environment(test: Path) -> dict[str, str]:
    head = _read(test / f"{test.name}.log")[:20_000]
    found = {}
    for name in _ENVIRONMENT:
        line = re.search(rf"^ +{re.escape(name)}: (.+)$", head, re.MULTILINE)
        if line:
            found[name] = line[1].split(" (")[0].strip()
    return found


def _parameters(state: Mapping) -> dict[str, int]:
    counts: dict[str, int] = {}
    for key, value in state.items():
        if hasattr(value, "shape") and not key.endswith(_STATISTICS):
            part = key.partition(".")[0]
            counts[part] = counts.get(part, 0) + math.prod(value.shape)
    return counts


def _splits(config: Mapping) -> dict[str, Splits]:
    dataset = section(config, "test_dataloader", "dataset")
    parts = dataset.get("datasets")
    found = {}
    for part in parts if isinstance(parts, list) else [dataset]:
        root = part.get("data_root") if isinstance(part, Mapping) else None
        if isinstance(root, str):
            try:
                splits = Splits.read(root)
            except UserError:
                continue
            found[splits.dataset] = splits
    return found


def _milliseconds(test: Path, config: Mapping) -> float | None:
    loader = section(config, "test_dataloader")
    try:
        seconds = json.loads(_read(test / f"{test.name}.json").splitlines()[-1])["time"]
        return 1000 * float(seconds) / int(loader["batch_size"])
    except (ValueError, KeyError, IndexError, TypeError, ZeroDivisionError):
        return None
