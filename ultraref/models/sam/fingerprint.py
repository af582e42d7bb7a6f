"""What tells the weights of one module from those of another."""

import hashlib

import torch
from torch import nn


def weights_fingerprint(module: nn.Module) -> str:
    """SHA-256 of a module's state dict: names, types, shapes and values."""
    digest = hashlib.sha256()
    for name, tensor in sorted(module.state_dict().items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy())
    return digest.hexdigest()


class KeptFingerprint:
    """The fingerprint of a module's weights, taken again only when one of them was written to."""

    def __init__(self):
        self._value = ""
        self._state = None

    def of(self, module: nn.Module) -> str:
        """Returns `weights_fingerprint` of the module."""
        state = [(tensor.data_ptr(), tensor._version) for tensor in module.state_dict().values()]
        if state != self._state:
            self._value, self._state = weights_fingerprint(module), state
        return self._value
