"""Full precision for coordinates and statistics, whatever precision the rest of the model runs in."""

import functools

import torch
from torch import Tensor


def at_least_float32(tensor: Tensor) -> Tensor:
    """Returns a float tensor: float32 and float64 stay as they are, anything else becomes float32."""
    return tensor if tensor.dtype in (torch.float32, torch.float64) else tensor.float()


def full_precision(function):
    """Makes a function or method run with autocast off and with its tensor arguments in at least float32.

    A pixel coordinate of a 1024 px frame has a spacing of 0.5 px in fp16 and of 4 px in bf16, and a sum over the frame
    overflows fp16. Float64 arguments stay float64, so that gradients can be checked.
    """

    @functools.wraps(function)
    def wrapped(*args, **kwargs):
        tensors = [value for value in (*args, *kwargs.values()) if isinstance(value, Tensor)]
        with torch.autocast(device_type=tensors[0].device.type, enabled=False):
            args = [at_least_float32(value) if isinstance(value, Tensor) else value for value in args]
            kwargs = {
                name: at_least_float32(value) if isinstance(value, Tensor) else value for name, value in kwargs.items()
            }
            return function(*args, **kwargs)

    return wrapped
