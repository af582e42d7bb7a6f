"""Checkpoint files that load with `torch.load(weights_only=True)`, are never half-written, and are checked when they are read.

MMEngine pickles objects of its own (the `HistoryBuffer`s of the log) into its checkpoints, which torch >= 2.6 refuses
to load by default. Here everything is turned into numbers, strings, tensors, lists and dicts before it is saved.

Format 2, the present one, is a dict with `format`, `state_dict`, `meta` and what resuming needs, in a sealed file
(`ultraref.checkpoint_seal`). Format 1 had neither `format` nor a seal.
"""

import logging
import os
from collections import OrderedDict
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import IO

import numpy as np
import torch
from mmengine.logging import HistoryBuffer, print_log

from ultraref.atomic import atomic_file
from ultraref.checkpoint_scan import DamagedError, check_records, is_zip, scan, scan_weights
from ultraref.checkpoint_seal import SealedWriter, check_seal
from ultraref.errors import MissingFileError, UserError

CHECKPOINT_FORMAT = 2
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
    """Strips subclasses (numpy.float64 is a float, an IntEnum an int), whose pickles name their class; gives a tensor its memory."""
    for kind in (bool, int, float, str):
        if isinstance(value, kind):
            return kind(value)
    if value is None:
        return None
    value = value.detach().cpu()
    # One that is expanded would be refused as larger than what is stored of it.
    is_expanded = value.numel() * value.element_size() > value.untyped_storage().nbytes()
    return value.contiguous() if is_expanded else value


def from_plain(value):
    """Returns `value` with the log histories that `to_plain` took apart rebuilt."""
    if isinstance(value, dict):
        if value.get(_BUFFER):
            return HistoryBuffer(value["values"].tolist(), value["counts"].tolist(), value["max_length"])
        return type(value)((k, from_plain(v)) for k, v in value.items())
    return value


def save_atomically(checkpoint: dict, path: str | os.PathLike) -> None:
    """Writes and seals `checkpoint`, so that the file is either the old one or the whole new one, never a part.

    Raises:
        UserError: the file can't be written: a full disk, a folder that is read-only. What was there before is unchanged.
    """
    with atomic_file(path) as file:
        writer = SealedWriter(file)
        try:
            torch.save({"format": CHECKPOINT_FORMAT, **checkpoint}, writer)
        except RuntimeError:
            if writer.error is not None:
                raise writer.error from None
            raise
        writer.seal()


def load_checkpoint_file(path: str | os.PathLike, map_location="cpu") -> dict:
    """Reads a checkpoint of this toolkit, without running any code that the file may hold.

    Returns:
        dict with `state_dict`, `meta` and, for resuming, `message_hub` (log histories rebuilt), `optimizer` and
        `param_schedulers`.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is damaged in any bit, holds other objects than tensors and plain types or larger tensors than it
            stores, or lacks what a checkpoint has.
    """
    path = Path(path).expanduser()
    require_file(path)
    with open(path, "rb") as file:
        is_sealed = check_seal(file, path)
        try:
            scan(file)
            if not is_sealed:
                check_records(file)
                file.seek(0)
        except DamagedError as error:
            raise UserError(f"checkpoint {path} {error}") from error
        checkpoint = _read(file, path, map_location)
    _check_fields(checkpoint, is_sealed, path)
    if "message_hub" in checkpoint:
        hub = checkpoint["message_hub"]
        hub["log_scalars"] = OrderedDict((k, from_plain(v)) for k, v in hub["log_scalars"].items())
    return checkpoint


def load_weights_file(path: str | os.PathLike):
    """Reads a file of weights that another program may have written, without running any code that it may hold.

    Returns:
        What `torch.load` gives: for published weights a dict of tensors, or one with such a dict in it.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it holds other objects than tensors and plain types, or doesn't fit the checksums that it has: the
            seal of a checkpoint of this toolkit, else those of a zip archive. The oldest files of torch have none.
    """
    path = Path(path)
    require_file(path)
    with open(path, "rb") as file:
        try:
            if not check_seal(file, path) and is_zip(file):
                check_records(file)
            scan_weights(file)
        except DamagedError as error:
            raise UserError(f"{path} {error}") from error
        return _read(file, path, "cpu")


def _read(file: IO[bytes], path: Path, map_location):
    try:
        return torch.load(file, map_location=map_location, weights_only=True)
    except Exception as error:
        # Not torch's words, which advise to run the code that the file may hold.
        raise UserError(
            f"{path} can't be read as weights: it is damaged, or holds other objects than tensors and plain types"
        ) from error


def not_finite(state: Mapping[str, torch.Tensor]) -> list[str]:
    """Returns the names of the tensors that hold NaN or an infinity."""
    floats = {name: value for name, value in state.items() if isinstance(value, torch.Tensor) and _is_float(value)}
    # A sum is an eighth of the work of looking at each element, and is finite only where all of them are.
    suspects = [name for name, value in floats.items() if not value.sum().isfinite()]
    return [name for name in suspects if not floats[name].isfinite().all()]


def _is_float(value: torch.Tensor) -> bool:
    return value.is_floating_point() or value.is_complex()


def require_file(path: Path) -> None:
    """Raises a UserError that says what stands in the place of a checkpoint, unless it is a file with content."""
    if path.is_symlink() and not path.exists():
        raise MissingFileError(f"checkpoint {path} is a link to {os.readlink(path)}, which does not exist")
    if path.is_dir():
        raise UserError(f"checkpoint {path} is a folder, not a file")
    if not path.is_file():
        raise MissingFileError(f"checkpoint {path} does not exist")
    if path.stat().st_size == 0:
        raise UserError(f"checkpoint {path} is empty")


def _check_fields(checkpoint, is_sealed: bool, path: Path) -> None:
    """Checks the format, and that all is there that every checkpoint has, of the right kind."""
    if not isinstance(checkpoint, dict) or not isinstance(checkpoint.get("state_dict"), dict):
        raise UserError(
            f"{path} is not a checkpoint of this toolkit: it has no `state_dict`. Published weights of one part (a SAM "
            "file, say) go to the `checkpoint` option of that part in the config"
        )
    if "format" in checkpoint and not is_sealed:
        raise UserError(f"checkpoint {path} has lost its checksum: it was cut short, or changed by another program")
    version = checkpoint.get("format", 1)
    if version not in (1, CHECKPOINT_FORMAT) or isinstance(version, bool):
        raise UserError(
            f"checkpoint {path} has format {version!r}, but this program reads 1 and {CHECKPOINT_FORMAT}; was it made by a "
            "newer one?"
        )
    kinds = {"meta": dict, "message_hub": dict, "optimizer": dict, "gradients": dict, "param_schedulers": (list, dict)}
    wrong = [name for name, kind in kinds.items() if name in checkpoint and not isinstance(checkpoint[name], kind)]
    if not all(isinstance(name, str) for name in checkpoint["state_dict"]):
        wrong.append("state_dict")
    if "meta" not in checkpoint or ("optimizer" in checkpoint and "message_hub" not in checkpoint):
        wrong.append("meta" if "meta" not in checkpoint else "message_hub")
    if not wrong:
        meta = checkpoint["meta"]
        wrong += [f"meta.{name}" for name in ("epoch", "iter") if not _is_count(meta.get(name, 0))]
        hub = checkpoint.get("message_hub", {"log_scalars": {}})
        wrong += [] if isinstance(hub.get("log_scalars"), dict) else ["message_hub.log_scalars"]
    if wrong:
        raise UserError(
            f"checkpoint {path} is not whole: {', '.join(wrong)} missing or not of the kind that this toolkit writes"
        )
    if version == 1:
        _note_old(str(path))


def _is_count(value) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


@cache
def _note_old(path: str) -> None:
    print_log(
        f"Checkpoint {path} is of format 1, which has no checksum over the whole file; those of its records fit.",
        logger="current",
        level=logging.WARNING,
    )
