"""Stops a run whose loss or gradient isn't finite, before the weights are."""

import math
from collections.abc import Iterator
from pathlib import Path

import torch
from mmengine.dist import all_reduce, get_rank, get_world_size
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.optim import OptimWrapperDict
from mmengine.structures import BaseDataElement
from torch import Tensor, nn

from ultraref.checkpoint import not_finite, save_atomically, to_plain
from ultraref.errors import UserError
from ultraref.registry import HOOKS

_SKIPPED = "skipped_steps"
# The scale of float16 gradients starts at 2^16 and halves with each step that overflows: after these it is below 2^-14.
_SCALER_LIMIT = 30


@HOOKS.register_module()
class FiniteHook(Hook):
    """Looks at every loss and every gradient before the optimizer's step, and stops the run if one isn't finite.

    The weights are then as they were, and so are the checkpoints. The error names iteration, losses, images and learning
    rates; the batch is left in WORK_DIR/not_finite_iterN.pth, in plain types: `batches` as the data loader gave them (several where
    gradients are accumulated), `losses` and `learning_rates`.

    Losses and the largest gradient of a step become one flag on the device, which is read once a step: the only wait for the
    device that this costs. It can't be read a step later, as the step can't be taken back. Steps that a loss scaler leaves out,
    in float16, are part of how it finds its scale; they count only where the loss itself isn't finite, or when none of
    30 in a row was done.

    `UltraRunner` adds it to every run; `default_hooks.finite` changes it.

    Args:
        max_skipped: how many such steps a run may leave out, with a warning each, before it stops; a resumed run counts on.
            Every skipped step is one that another run of the same data wouldn't skip: 0, the default, stops at the first.

    Raises:
        ValueError: `max_skipped` is below 0.
        UserError: a loss or gradient isn't finite; or a step would be skipped, but buffers of the model (batch-norm
            statistics) took such numbers already.
    """

    # After the other hooks of an iteration, whose reports of it are then written.
    priority = "LOWEST"

    def __init__(self, max_skipped: int = 0):
        if max_skipped < 0:
            raise UserError(f"FiniteHook: max_skipped is {max_skipped}; it must be at least 0")
        self.max_skipped = max_skipped
        # Of the iterations since the last step.
        self._batches: list = []
        self._losses: list[dict] = []
        self._scaler_skips = 0

    def before_train(self, runner) -> None:
        self._bare(runner).register_forward_hook(self._note_losses, with_kwargs=True)
        wrapper = runner.optim_wrapper
        for one in wrapper.values() if isinstance(wrapper, OptimWrapperDict) else [wrapper]:
            one.optimizer.register_step_pre_hook(lambda optimizer, *_: self._check(runner, optimizer))

    def before_train_iter(self, runner, batch_idx: int, data_batch=None) -> None:
        self._batches.append(data_batch)

    def after_train_iter(self, runner, batch_idx: int, data_batch=None, outputs: dict | None = None) -> None:
        wrapper = runner.optim_wrapper
        if isinstance(wrapper, OptimWrapperDict) or not wrapper.should_update():
            return
        if self._batches and getattr(getattr(wrapper, "scaler", None), "is_enabled", bool)():
            # There was no step: the scaler has found gradients that aren't finite.
            self._scaler_skips += 1
            if self._scaler_skips >= _SCALER_LIMIT or not all(map(math.isfinite, self._loss_values().values())):
                self._stop(runner, wrapper.optimizer)
        self._forget()

    def _note_losses(self, module: nn.Module, args: tuple, kwargs: dict, output) -> None:
        if kwargs.get("mode") == "loss" and isinstance(output, dict):
            self._losses.append(output)

    def _check(self, runner, optimizer) -> None:
        gradients = [p.grad for group in optimizer.param_groups for p in group["params"] if p.grad is not None]
        finite = _all_finite([*gradients, *(value for _, value in self._named_losses())])
        if finite is not None and get_world_size() > 1:
            # One process must not skip, or stop, alone: the others would wait for it.
            all_reduce(finite, "min")
        if finite is None or finite.item():
            self._scaler_skips = 0
            self._forget()
            return
        skipped = runner.message_hub.get_info(_SKIPPED, 0) + 1
        broken = not_finite(dict(self._bare(runner).named_buffers()))
        if skipped > self.max_skipped or broken:
            self._stop(runner, optimizer, broken)
        runner.message_hub.update_info(_SKIPPED, skipped)
        runner.logger.warning(
            f"Skipped step {skipped} of at most {self.max_skipped}: {self._describe(runner, optimizer)}"
        )
        # Without gradients the step changes neither weights nor the optimizer's state.
        optimizer.zero_grad(set_to_none=True)
        self._forget()

    def _stop(self, runner, optimizer, broken: list[str] = ()) -> None:
        also = (
            f"\n{', '.join(broken[:3])} of the model took such numbers, so that the step can't be skipped."
            if broken
            else ""
        )
        skipped = runner.message_hub.get_info(_SKIPPED, 0)
        before = f" {skipped} steps were skipped before." if skipped else ""
        raise UserError(
            f"{self._describe(runner, optimizer)}{also}\nThe weights and the checkpoints are as they were before this step.{before} "
            "Look at the batch; lower optim_wrapper.optimizer.lr, or set optim_wrapper.clip_grad=dict(max_norm=1.0). "
            "default_hooks.finite.max_skipped=N leaves out at most N such steps"
        )

    def _describe(self, runner, optimizer) -> str:
        """Saves the batch, and says what is wrong with it."""
        losses = self._loss_values()
        kind = "the gradient" if all(map(math.isfinite, losses.values())) else "the loss"
        rates = sorted({group["lr"] for group in optimizer.param_groups})
        names = [name for batch in self._batches for name in _image_names(batch)]
        rank = f"_rank{get_rank()}" if get_world_size() > 1 else ""
        path = Path(runner.work_dir, f"not_finite_iter{runner.iter + 1}{rank}.pth")
        save_atomically(
            {"batches": _plain(self._batches), "losses": losses, "learning_rates": rates, "iteration": runner.iter + 1},
            path,
        )
        return (
            f"{kind} isn't finite at iteration {runner.iter + 1}, epoch {runner.epoch + 1}.\n"
            f"  losses: {', '.join(f'{name} {value:g}' for name, value in losses.items()) or 'unknown'}\n"
            f"  images: {', '.join(names) or 'without names'}\n"
            f"  learning rate: {', '.join(f'{rate:g}' for rate in rates)}\n"
            f"  the batch: {path}"
        )

    def _named_losses(self) -> Iterator[tuple[str, Tensor]]:
        """Yields what makes up the losses since the last step; MMEngine adds up what has "loss" in its name."""
        for number, output in enumerate(self._losses):
            for name, value in output.items():
                for part in value if isinstance(value, (list, tuple)) else [value]:
                    if "loss" in name and isinstance(part, Tensor):
                        yield name if number == 0 else f"{name} ({number + 1})", part.detach()

    def _loss_values(self) -> dict[str, float]:
        return {name: float(value.float().mean()) for name, value in self._named_losses()}

    def _forget(self) -> None:
        self._batches.clear()
        self._losses.clear()

    @staticmethod
    def _bare(runner) -> nn.Module:
        return runner.model.module if is_model_wrapper(runner.model) else runner.model


def _all_finite(tensors: list[Tensor]) -> Tensor | None:
    """Returns whether all numbers are finite, as 1 or 0 on their device; None without any."""
    tensors = [tensor for tensor in tensors if tensor.numel()]
    if not tensors:
        return None
    # The largest magnitude: unlike the length it doesn't overflow, and NaN is passed on.
    largest = torch.stack([norm.float() for norm in torch._foreach_norm(tensors, math.inf)]).max()
    return largest.isfinite().int()


def _image_names(batch) -> list[str]:
    samples = batch.get("data_samples") if isinstance(batch, dict) else None
    return [str(sample.metainfo.get("name", "?")) for sample in samples or [] if isinstance(sample, BaseDataElement)]


def _plain(value):
    """Returns a batch built of plain types and tensors, see `to_plain`; of anything else its text."""
    if isinstance(value, BaseDataElement):
        return {"metainfo": _plain(value.metainfo), **{name: _plain(item) for name, item in value.items()}}
    if isinstance(value, dict):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    try:
        return to_plain(value)
    except TypeError:
        return repr(value)
