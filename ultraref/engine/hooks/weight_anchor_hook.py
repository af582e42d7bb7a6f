"""Pulls trained weights back to where they started."""

import torch
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper

from ultraref.engine.module_globs import select_parameters
from ultraref.registry import HOOKS


@HOOKS.register_module()
class WeightAnchorHook(Hook):
    """L2 anchor: after each step w <- w - lr * weight * (w - w0) for the chosen parameters that were stepped.

    w0 are the weights that the model is built with, e.g. those of the phase-1 checkpoint of its coarse network. The
    penalty weight/2 ||w - w0||^2 of L2-SP (Li et al. 2018, "Explicit inductive bias for transfer learning with
    convolutional networks") is applied as AdamW applies weight decay: apart from the gradient, so that Adam's scaling
    doesn't distort it. The distance ||w - w0|| is logged each epoch as `train/anchor_distance`.

    Args:
        parts: globs over module names.
        weight: strength of the pull, >= 0; lr * weight is the fraction of the way back that each step goes.

    Raises:
        ValueError: a glob matches nothing (near names are given), or `weight` is negative.
    """

    def __init__(self, parts: list[str], weight: float):
        if weight < 0:
            raise ValueError(f"WeightAnchorHook: weight is {weight}; it must not be negative")
        self.parts = parts
        self.weight = weight
        self._anchored: list[tuple[torch.nn.Parameter, torch.Tensor]] = []

    def before_run(self, runner) -> None:
        """Remembers the weights. Comes before a run is resumed, hence always those that the model is built with."""
        if runner.optim_wrapper is None:  # a test
            return
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        chosen = select_parameters(model, self.parts, "WeightAnchorHook.parts")
        self._anchored = [
            (p, p.detach().clone()) for name, p in model.named_parameters() if name in chosen and p.requires_grad
        ]

    def before_train(self, runner) -> None:
        optimizer = runner.optim_wrapper.optimizer
        anchors = {id(parameter): start for parameter, start in self._anchored}

        @torch.no_grad()
        def pull(*_) -> None:
            for group in optimizer.param_groups:
                for parameter in group["params"]:
                    if id(parameter) in anchors and parameter.grad is not None:
                        parameter.lerp_(anchors[id(parameter)], group["lr"] * self.weight)

        optimizer.register_step_post_hook(pull)

    @torch.no_grad()
    def after_train_epoch(self, runner) -> None:
        square = sum(((parameter - start) ** 2).sum() for parameter, start in self._anchored)
        runner.message_hub.update_scalar("train/anchor_distance", float(square) ** 0.5)
