"""Where the checkpoints of two runs differ."""

from collections.abc import Iterator

import torch

# What depends on the clock, on the folder, or on who trained.
_INDIFFERENT = ("time", "eta", "experiment_name", "cfg", "mmengine_version")


def differences(one, other, where: str = "") -> Iterator[str]:
    """Yields where two nested structures of dicts, lists, tensors and plain values differ, as dotted paths.

    Keys that end in a word of `_INDIFFERENT` are left out.
    """
    if isinstance(one, dict) and isinstance(other, dict):
        for key in (*one, *(key for key in other if key not in one)):
            if str(key).endswith(_INDIFFERENT):
                continue
            if key in one and key in other:
                yield from differences(one[key], other[key], f"{where}.{key}")
            else:
                yield f"{where}.{key}"
    elif isinstance(one, (list, tuple)) and isinstance(other, (list, tuple)):
        if len(one) != len(other):
            yield where
        for index, (a, b) in enumerate(zip(one, other)):
            yield from differences(a, b, f"{where}.{index}")
    elif isinstance(one, torch.Tensor) and isinstance(other, torch.Tensor):
        if not torch.equal(one, other):
            yield where
    elif type(one) is not type(other) or one != other:
        yield where
