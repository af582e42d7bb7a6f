"""Mixed precision on the device that the model is on."""

from contextlib import contextmanager

import torch
from mmengine.optim import OptimWrapper
from torch import nn

from ultraref.errors import UserError
from ultraref.registry import OPTIM_WRAPPERS

_DTYPES = {"float16": torch.float16, "bfloat16": torch.bfloat16}


@OPTIM_WRAPPERS.register_module()
class UltraAmpOptimWrapper(OptimWrapper):
    """An optimizer wrapper whose forward passes run under autocast, on the CPU as well (MMEngine's refuses it).

    Args:
        dtype: "bfloat16" or "float16" (CUDA only, with a loss scale). None: bfloat16 where the device computes in it,
            else float16.
        **kwargs: `optimizer`, `accumulative_counts`, `clip_grad`, as for `mmengine.optim.OptimWrapper`.

    Raises:
        ValueError: another dtype, or float16 on the CPU.
    """

    def __init__(self, dtype: str | None = None, **kwargs):
        super().__init__(**kwargs)
        self.device_type = self.optimizer.param_groups[0]["params"][0].device.type
        if dtype is None:
            no_bfloat16 = self.device_type == "cuda" and not torch.cuda.is_bf16_supported()
            dtype = "float16" if no_bfloat16 else "bfloat16"
        if dtype not in _DTYPES or (dtype == "float16" and self.device_type != "cuda"):
            allowed = "'float16' or 'bfloat16'" if self.device_type == "cuda" else "'bfloat16'"
            raise UserError(
                f"UltraAmpOptimWrapper: dtype is {dtype!r}; on a {self.device_type} device it may be {allowed}"
            )
        self.dtype = _DTYPES[dtype]
        # bfloat16 has the range of float32: only float16 gradients underflow.
        self.scaler = torch.amp.GradScaler(self.device_type, enabled=self.dtype == torch.float16)

    @contextmanager
    def optim_context(self, model: nn.Module):
        with super().optim_context(model), torch.autocast(self.device_type, self.dtype):
            yield

    def backward(self, loss: torch.Tensor, **kwargs) -> None:
        self.scaler.scale(loss).backward(**kwargs)
        self._inner_count += 1

    def step(self, **kwargs) -> None:
        if self.clip_grad_kwargs:
            self.scaler.unscale_(self.optimizer)
            self._clip_grad()
        self.scaler.step(self.optimizer, **kwargs)
        self.scaler.update()

    def state_dict(self) -> dict:
        return {**super().state_dict(), "scaler": self.scaler.state_dict()}

    def load_state_dict(self, state_dict: dict) -> None:
        state_dict = dict(state_dict)
        scaler = state_dict.pop("scaler", None)
        if scaler:
            self.scaler.load_state_dict(scaler)
        super().load_state_dict(state_dict)
