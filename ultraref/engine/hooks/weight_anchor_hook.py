"""Pulls trained weights back to where they started."""

import torch
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper

from ultraref.engine.module_globs import select_parameters
from ultraref.errors import UserError
from ultraref.registry import HOOKS

_KEY = "weight_anchor"


@HOOKS.register_module()
class WeightAnchorHook(Hook):
    """L2 anchor: after each step w <- w - lr * weight * (w - w0) for the chosen parameters that were stepped.

    w0 are the weights that the run starts with, e.g. those of the phase-1 checkpoint of the coarse network; they are
    kept in `last.pth` for a resumed run. The penalty weight/2 ||w - w0||^2 of L2-SP (Li et al. 2018, "Explicit
    inductive bias for transfer learning with convolutional networks") is applied as AdamW applies weight decay: apart
    from the gradient, so that Adam's scaling doesn't distort it. The distance ||w - w0|| is logged each epoch as
    `train/anchor_distance`.

    Args:
        parts: globs over module names.
        weight: strength of the pull, >= 0; lr * weight is the fraction of the way back that each step goes.

    Raises:
        ValueError: a glob matches nothing (near names are given), or `weight` is negative.
    """

    def __init__(self, parts: list[str], weight: float):
        if weight < 0:
            raise UserError(f"WeightAnchorHook: weight is {weight}; it must not be negative")
        self.parts = parts
        self.weight = weight
        # name -> (parameter, where it started)
        self._anchored: dict[str, tuple[torch.nn.Parameter, torch.Tensor]] = {}

    def before_run(self, runner) -> None:
        if runner.optim_wrapper is None:  # a test
            return
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        chosen = select_parameters(model, self.parts, "WeightAnchorHook.parts")
        parameters = {name: p for name, p in model.named_parameters() if name in chosen and p.requires_grad}
        self._anchored = {name: (parameter, parameter.detach().clone()) for name, parameter in parameters.items()}

    def after_load_checkpoint(self, runner, checkpoint: dict) -> None:
        """Takes w0 from the checkpoint of a resumed run, or from the weights that are about to be loaded."""
        start_of_run = checkpoint.get(_KEY) if runner._resume else checkpoint["state_dict"]
        for name, (_, start) in self._anchored.items():
            if name not in start_of_run:
                raise UserError(f"WeightAnchorHook: the resumed run did not anchor {name}; keep `parts` as they were")
            start.copy_(start_of_run[name])

    def before_save_checkpoint(self, runner, checkpoint: dict) -> None:
        if "optimizer" in checkpoint:
            checkpoint[_KEY] = {name: start for name, (_, start) in self._anchored.items()}

    def before_train(self, runner) -> None:
        optimizer = runner.optim_wrapper.optimizer
        anchors = {id(parameter): start for parameter, start in self._anchored.values()}

        @torch.no_grad()
        def pull(*_) -> None:
            for group in optimizer.param_groups:
                for parameter in group["params"]:
                    if id(parameter) in anchors and parameter.grad is not None:
                        parameter.lerp_(anchors[id(parameter)], group["lr"] * self.weight)

        optimizer.register_step_post_hook(pull)

    @torch.no_grad()
    def after_train_epoch(self, runner) -> None:
        square = sum(((parameter - start) ** 2).sum() for parameter, start in self._anchored.values())
        runner.message_hub.update_scalar("train/anchor_distance", float(square) ** 0.5)
