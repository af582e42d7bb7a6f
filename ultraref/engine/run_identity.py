"""What makes a run the run that it is, so that another one isn't taken for it when it is resumed."""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from mmengine.config import Config
from torch.utils.data import Dataset

from ultraref.errors import UserError
from ultraref.models.checkpoint_loading import without_initial_weights

MAX_EPOCHS = "train_cfg.max_epochs"
# The parts of a config that decide what is trained, on what and how.
_PARTS = (
    *("model", "train_dataloader", "train_cfg", "val_dataloader", "val_cfg", "val_evaluator", "randomness"),
    *("optim_wrapper", "param_scheduler", "auto_scale_lr", "custom_hooks", "default_hooks", "sync_bn"),
    *("find_unused_parameters", "efficient_conv_bn_eval", "model_wrapper_cfg"),
)
# Keys that change how fast a run is, or where it reads and writes, but not what it computes. What the files at a path hold is in the
# data's hash.
_INDIFFERENT = {
    *("num_workers", "persistent_workers", "pin_memory", "prefetch_factor", "timeout", "disable_subprocess_warning"),
    *("find_unused_parameters", "embedding_cache", "checkpoint", "pretrained", "csv_path"),
    *("data_root", "predictions", "exclude"),
}
# Hooks that only look at a run.
_ONLOOKERS = {
    *("UltraCheckpointHook", "LoggerHook", "IterTimerHook", "RuntimeInfoHook", "OverlayHook", "FiniteHook"),
    *("GroupLearningRateHook", "ProvenanceHook", "InputContractHook", "BatchNormStatisticsHook"),
    "DescriptionHook",
}
# What a schedule takes from the number of epochs.
_LENGTHS = ("end", "T_max", "total_iters")
_LISTED = 20


@dataclass(frozen=True)
class RunIdentity:
    """What is written into a checkpoint and compared when a run is resumed.

    Attributes:
        facts: plain values by name: dotted keys of the config; `data.train` and `data.val`, hashes of the data; `processes`.
    """

    facts: dict[str, object]

    @classmethod
    def of(cls, cfg: Config, seed: int, processes: int, **data: Dataset) -> "RunIdentity":
        """Identifies a run by its config, its seed, the number of its processes and its data sets, by name of the part."""
        content = {key: cfg[key] for key in _PARTS if cfg.get(key) is not None}
        content["model"] = without_initial_weights(content.get("model", {}))
        facts = dict(_facts(content, ()))
        facts["randomness.seed"] = seed
        facts["processes"] = processes
        facts.update({f"data.{part}": data_hash(dataset) for part, dataset in data.items()})
        return cls(facts)

    def check_resumed(self, stored: Mapping[str, object], path: str) -> bool:
        """Compares this run with the one that a checkpoint comes from.

        Args:
            stored: that run's facts.
            path: the checkpoint, for the message.

        Returns:
            Whether this run is the same one with more epochs.

        Raises:
            UserError: they differ in anything else; lists in what.
        """
        own = self.facts
        differing = [key for key in sorted({*own, *stored}) if own.get(key) != stored.get(key)]
        before, now = stored.get(MAX_EPOCHS), own.get(MAX_EPOCHS)
        has_grown = isinstance(before, int) and isinstance(now, int) and now > before
        if has_grown:
            differing = [key for key in differing if key != MAX_EPOCHS and not _is_length(key)]
        if differing:
            lines = [f"  {key}: {_text(stored, key)} in the checkpoint, {_text(own, key)} now" for key in differing]
            more = [f"  and {len(lines) - _LISTED} more"] if len(lines) > _LISTED else []
            listed = "\n".join(lines[:_LISTED] + more)
            raise UserError(
                f"{path} comes from another run than this one:\n{listed}\nA resumed run goes on as it began; only "
                f"{MAX_EPOCHS} may grow. Give it these values, or start a new run from its weights: without --resume, with "
                f"--cfg-options load_from={path}"
            )
        return has_grown


def data_hash(dataset: Dataset) -> str:
    """Returns the sha256 of what the samples of a data set are made of, as far as it says.

    A data set says so by its properties `image_hashes`, `mask_hashes` and `prediction_hashes`, each name -> sha256.
    """
    return hashlib.sha256(json.dumps(_contents(dataset), sort_keys=True).encode()).hexdigest()


def _contents(dataset: Dataset) -> list:
    if hasattr(dataset, "datasets"):
        return [_contents(part) for part in dataset.datasets]
    kinds = ("image_hashes", "mask_hashes", "prediction_hashes")
    return [len(dataset), *(dict(getattr(dataset, kind, {})) for kind in kinds)]


def _facts(node, path: tuple[str, ...]) -> Iterator[tuple[str, object]]:
    """Yields dotted key and plain value of everything in a config that matters."""
    if isinstance(node, Mapping):
        kind = node.get("type")
        if path and path[0] in ("custom_hooks", "default_hooks") and getattr(kind, "__name__", kind) in _ONLOOKERS:
            return
        for key, value in node.items():
            if key not in _INDIFFERENT:
                yield from _facts(value, (*path, str(key)))
    elif isinstance(node, (list, tuple)):
        for index, value in enumerate(node):
            yield from _facts(value, (*path, str(index)))
    elif node is not None and not (isinstance(node, str) and "dataset" in path and os.sep in node):
        plain = node if isinstance(node, (bool, int, float, str)) else getattr(node, "__qualname__", str(node))
        yield ".".join(path), plain


def _is_length(key: str) -> bool:
    parts = key.split(".")
    return parts[0] == "param_scheduler" and parts[-1] in _LENGTHS


def _text(facts: Mapping[str, object], key: str) -> str:
    value = facts.get(key, "nothing")
    return f"{value[:12]}..." if key.startswith("data.") and isinstance(value, str) else str(value)
