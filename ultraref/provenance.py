"""Which images the parts of a model were trained on.

A part that loads a checkpoint says so with `record_loaded`; the provenance hook gathers the records of the whole model,
writes them into every checkpoint and refuses to evaluate on an image that some part has seen. Records are kept on the
modules themselves, so that they follow a part wherever it is used, and are copied with it.
"""

from collections.abc import Iterable

from torch import nn

_ATTRIBUTE = "_loaded_checkpoints"


def record_loaded(module: nn.Module, path: str, trained_on: Iterable[str] | None) -> None:
    """Notes on `module` that its weights come from the checkpoint at `path`.

    Args:
        module: the part whose weights were loaded.
        path: the checkpoint, as the user named it.
        trained_on: sha256 of each image file that the checkpoint was trained on: the checkpoint's
            `meta["trained_on"]`. None, for a checkpoint that doesn't say (a published SAM file), counts as none.
    """
    records = dict(getattr(module, _ATTRIBUTE, {}))
    records[str(path)] = frozenset(trained_on or ())
    setattr(module, _ATTRIBUTE, records)


def collect(model: nn.Module) -> dict[str, frozenset[str]]:
    """Returns what the parts of `model` loaded: checkpoint path -> sha256 of the images it was trained on."""
    records: dict[str, frozenset[str]] = {}
    for module in model.modules():
        for path, hashes in getattr(module, _ATTRIBUTE, {}).items():
            records[path] = records.get(path, frozenset()) | hashes
    return records
