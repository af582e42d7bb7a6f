"""Which images the parts of a model were trained on, and which published weights they started from.

A part that loads a file says so with `record_checkpoint`, `record_weights` or `record_unlisted`; the provenance hook
gathers the records of the whole model, writes them into every checkpoint and refuses to evaluate on an image that some
part has seen, or on a copy of it. What a gate was calibrated on is noted likewise, and said in a test. Of published weights it is known at best which sets they have seen, not which images: that is reported.
Records are kept on the modules themselves, so that they follow a part wherever it is used, and are copied with it.
"""

from collections.abc import Iterable, Mapping

from torch import nn

_CHECKPOINTS = "_loaded_checkpoints"
_WEIGHTS = "_loaded_weights"
_SEEN = "_loaded_seen_images"
_CALIBRATION = "_loaded_calibration"


def record_checkpoint(module: nn.Module, path: str, meta: Mapping) -> None:
    """Notes on `module` that its weights come from a checkpoint of this package, and inherits what that one notes.

    Args:
        module: the part whose weights were loaded.
        path: the checkpoint, as the user named it.
        meta: of the checkpoint. Where it doesn't say which published weights are in it (`profiles`), they are unknown.
    """
    record_loaded(module, path, meta.get("trained_on"))
    record_seen_images(module, path, meta.get("seen_images"))
    if "profiles" not in meta:
        record_unlisted(module, str(path), "a checkpoint that doesn't say which published weights it started from")
    for name, record in meta.get("profiles", {}).items():
        record_weights(module, name, record)


def record_loaded(module: nn.Module, path: str, trained_on: Iterable[str] | None) -> None:
    """Notes on `module` that its weights come from the checkpoint at `path`.

    Args:
        module: the part whose weights were loaded.
        path: the checkpoint, as the user named it.
        trained_on: sha256 of each image file that the checkpoint was trained on: the checkpoint's
            `meta["trained_on"]`. None, for a checkpoint that doesn't say, counts as none.
    """
    _add(module, _CHECKPOINTS, str(path), frozenset(trained_on or ()))


def record_seen_images(module: nn.Module, path: str, seen: Mapping | None) -> None:
    """Notes on `module` the perceptual hashes of what a checkpoint was trained on.

    Args:
        module: the part whose weights were loaded.
        path: the checkpoint, as the user named it.
        seen: the checkpoint's `meta["seen_images"]` (`ultraref.datasets.fingerprints`); None for one that has none, which an older
            version wrote.
    """
    _add(module, _SEEN, str(path), seen)


def record_weights(module: nn.Module, name: str, record: Mapping) -> None:
    """Notes on `module` that published weights are in it.

    Args:
        module: the part whose weights were loaded.
        name: of the weights.
        record: their profile in plain types; at least `seen`, see `ultraref.models.weights`.
    """
    _add(module, _WEIGHTS, name, dict(record))


def record_unlisted(module: nn.Module, name: str, note: str) -> None:
    """Notes on `module` that weights are in it of which nothing is known; `note` says why."""
    record_weights(module, name, {"name": name, "note": note, "seen": {}})


def collect(model: nn.Module) -> dict[str, frozenset[str]]:
    """Returns what the parts of `model` loaded: checkpoint path -> sha256 of the images it was trained on."""
    records: dict[str, frozenset[str]] = {}
    for module in model.modules():
        for path, hashes in getattr(module, _CHECKPOINTS, {}).items():
            records[path] = records.get(path, frozenset()) | hashes
    return records


def collect_seen_images(model: nn.Module) -> dict[str, Mapping | None]:
    """Returns checkpoint path -> `meta["seen_images"]` of what the parts of `model` loaded; None where a checkpoint has none."""
    records: dict[str, Mapping | None] = {}
    for module in model.modules():
        records.update(getattr(module, _SEEN, {}))
    return records


def collect_weights(model: nn.Module) -> dict[str, dict]:
    """Returns the published weights in the parts of `model`: name -> profile in plain types."""
    return {name: record for module in model.modules() for name, record in getattr(module, _WEIGHTS, {}).items()}


def record_calibration(module: nn.Module, record: Mapping | None) -> None:
    """Notes on a model what its gate was calibrated on: `meta["calibration"]` of its checkpoint, None where it says nothing."""
    setattr(module, _CALIBRATION, None if record is None else dict(record))


def calibration_of(module: nn.Module) -> dict | None:
    """Returns what the gate of a model was calibrated on (`ultraref.apis.calibrate_gate`); None where it wasn't."""
    records = (getattr(part, _CALIBRATION, None) for part in module.modules())
    return next((record for record in records if record is not None), None)


def _add(module: nn.Module, attribute: str, key: str, value) -> None:
    # A new dict, so that a copy of the module keeps its own.
    setattr(module, attribute, {**getattr(module, attribute, {}), key: value})
