"""Full precision for coordinates and statistics, whatever precision the rest of the model runs in."""

import functools

import torch
from torch import Tensor


def at_least_float32(tensor: Tensor) -> Tensor:
    """Returns a float tensor: float32 and float64 stay as they are, anything else becomes float32."""
    return tensor if tensor.dtype in (torch.float32, torch.float64) else tensor.float()


def full_precision(function):
    """Makes a function or method run with autocast off and with its tensors in float32, or float64 if one of them is.

    A pixel coordinate of a 1024 px frame has a spacing of 0.5 px in fp16 and of 4 px in bf16, and a sum over a megapixel mask
    overflows fp16 and loses small lesions in bf16. Float64 stays, so that gradients can be checked.
    """

    @functools.wraps(function)
    def wrapped(*args, **kwargs):
        tensors = [value for value in (*args, *kwargs.values()) if isinstance(value, Tensor)]
        dtype = torch.float64 if any(tensor.dtype == torch.float64 for tensor in tensors) else torch.float32
        args = [value.to(dtype) if isinstance(value, Tensor) else value for value in args]
        kwargs = {name: value.to(dtype) if isinstance(value, Tensor) else value for name, value in kwargs.items()}
        with torch.autocast(device_type=tensors[0].device.type, enabled=False):
            return function(*args, **kwargs)

    return wrapped
