"""Checkpoint files that load with `torch.load(weights_only=True)` and are never half-written.

MMEngine pickles objects of its own (the `HistoryBuffer`s of the log) into its checkpoints, which torch >= 2.6 refuses
to load by default. Here everything is turned into numbers, strings, tensors, lists and dicts before it is saved.
"""

import os
import pickle
from collections import OrderedDict
from pathlib import Path

import numpy as np
import torch
from mmengine.logging import HistoryBuffer

from ultraref.atomic import atomic_file
from ultraref.errors import MissingFileError, UserError

_BUFFER = "history_buffer"


def to_plain(value, where: str = "checkpoint"):
    """Returns `value` built of None, bool, int, float, str, tensors, lists, tuples and dicts only.

    A log history becomes `{"history_buffer": True, "values": tensor, "counts": tensor, "max_length": int}`, an array a
    tensor, a NumPy scalar a number, a set a sorted list, a path a string. A state dict keeps its order and metadata.

    Raises:
        TypeError: something else was found; the message names where.
    """
    if value is None or isinstance(value, (bool, int, float, str, torch.Tensor)):
        return _builtin(value)
    if isinstance(value, HistoryBuffer):
        values, counts = value.data
        return {
            _BUFFER: True,
            "values": torch.from_numpy(values.copy()),
            "counts": torch.from_numpy(counts.copy()),
            "max_length": value.max_length,
        }
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray) and value.dtype != object:
        return torch.from_numpy(np.ascontiguousarray(value).copy())
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, (set, frozenset)):
        return sorted(to_plain(v, where) for v in value)
    if isinstance(value, (list, tuple)):
        items = [to_plain(v, f"{where}[{i}]") for i, v in enumerate(value)]
        return tuple(items) if isinstance(value, tuple) else items
    if isinstance(value, dict):
        plain = OrderedDict() if isinstance(value, OrderedDict) else {}
        for key, item in value.items():
            plain[to_plain(key, f"{where} key")] = to_plain(item, f"{where}[{key!r}]")
        if hasattr(value, "_metadata"):
            plain._metadata = value._metadata
        return plain
    raise TypeError(
        f"{where} is a {type(value).__module__}.{type(value).__name__}, which a checkpoint can't hold; store numbers, "
        "strings, tensors, arrays, and lists or dicts of them"
    )


def _builtin(value):
    """Strips subclasses (numpy.float64 is a float, an IntEnum an int), whose pickles name their class."""
    for kind in (bool, int, float, str):
        if isinstance(value, kind):
            return kind(value)
    return value if value is None else value.detach().cpu()


def from_plain(value):
    """Returns `value` with the log histories that `to_plain` took apart rebuilt."""
    if isinstance(value, dict):
        if value.get(_BUFFER):
            return HistoryBuffer(value["values"].tolist(), value["counts"].tolist(), value["max_length"])
        return type(value)((k, from_plain(v)) for k, v in value.items())
    return value


def save_atomically(checkpoint: dict, path: str | os.PathLike) -> None:
    """Writes `checkpoint` to `path` so that the file is either the old one or the whole new one, never a part."""
    with atomic_file(path) as file:
        torch.save(checkpoint, file)


def load_checkpoint_file(path: str | os.PathLike, map_location="cpu") -> dict:
    """Reads a checkpoint of this toolkit, without running any code that the file may hold.

    Returns:
        dict with `state_dict`, `meta` and, for resuming, `message_hub` (log histories rebuilt), `optimizer` and
        `param_schedulers`.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is damaged, holds other objects than tensors and plain types, or has no `state_dict`.
    """
    path = Path(path).expanduser()
    if not path.is_file():
        raise MissingFileError(f"checkpoint {path} does not exist")
    try:
        checkpoint = torch.load(path, map_location=map_location, weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, OSError, KeyError, ValueError, IndexError) as error:
        raise UserError(
            f"checkpoint {path} can't be read ({str(error).splitlines()[0]}): damaged or incomplete?"
        ) from error
    if not isinstance(checkpoint, dict) or "state_dict" not in checkpoint:
        raise UserError(
            f"{path} is not a checkpoint of this toolkit: it has no `state_dict`. Published weights of one part (a SAM "
            "file, say) go to the `checkpoint` option of that part in the config"
        )
    checkpoint.setdefault("meta", {})
    if "message_hub" in checkpoint:
        hub = checkpoint["message_hub"]
        hub["log_scalars"] = OrderedDict((k, from_plain(v)) for k, v in hub["log_scalars"].items())
    return checkpoint
