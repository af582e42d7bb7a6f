"""Loads one part of a model from a checkpoint of this package: the network of phase 1, the refiner of phase 2."""

from pathlib import Path

from torch import nn

from ultraref import provenance
from ultraref.checkpoint import load_checkpoint_file


def load_part(module: nn.Module, path: str | Path, prefix: str) -> dict:
    """Fills `module` from the part of a checkpoint whose keys begin with `prefix`, strictly.

    What the checkpoint was trained on is noted on the module (`ultraref.provenance`), so that a validation on one of those
    images can be refused.

    Args:
        module: receives the weights.
        path: a checkpoint that tools/train.py wrote.
        prefix: "network." for a coarse network, "refiner." for a refiner.

    Returns:
        The checkpoint's `meta`.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is no checkpoint, holds nothing under `prefix`, or its keys or shapes don't fit.
    """
    checkpoint = load_checkpoint_file(path)
    state = {key[len(prefix) :]: value for key, value in checkpoint["state_dict"].items() if key.startswith(prefix)}
    if not state:
        parts = sorted({key.split(".")[0] for key in checkpoint["state_dict"]})
        raise ValueError(f"{path} has no part {prefix.rstrip('.')!r}; its parts are {', '.join(parts)}")
    own = module.state_dict()
    wrong = [f"missing {key}" for key in own if key not in state]
    wrong += [f"unexpected {key}" for key in state if key not in own]
    wrong += [
        f"{key}: {tuple(state[key].shape)} in the file, {tuple(own[key].shape)} in the model"
        for key in own
        if key in state and own[key].shape != state[key].shape
    ]
    if wrong:
        shown = "; ".join(wrong[:6]) + (f"; and {len(wrong) - 6} more" if len(wrong) > 6 else "")
        raise ValueError(
            f"the part {prefix.rstrip('.')!r} of {path} doesn't fit {type(module).__name__}: {shown}. Was it trained with "
            f"another architecture? Its config is in the checkpoint's meta."
        )
    module.load_state_dict(state)
    meta = checkpoint.get("meta", {})
    provenance.record_loaded(module, str(path), meta.get("trained_on", []))
    return meta


def without_initial_weights(model: dict) -> dict:
    """Returns a model config that loads no file while it is built.

    For a model, or a part of one, that receives a whole checkpoint next: a test, a resumed run, a refiner from phase 2. The
    files that its own parts start from are not needed then.
    """
    if isinstance(model, dict):
        return type(model)(
            {
                key: None
                if key in ("checkpoint", "pretrained") and isinstance(value, str)
                else without_initial_weights(value)
                for key, value in model.items()
            }
        )
    if isinstance(model, (list, tuple)):
        return type(model)(without_initial_weights(item) for item in model)
    return model
