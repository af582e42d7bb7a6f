"""Trains more and more of a model, in named stages."""

import gc
from collections.abc import Iterable

from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from torch import nn

from ultraref.engine.module_globs import is_below, select_modules, select_parameters
from ultraref.errors import UserError
from ultraref.registry import HOOKS


@HOOKS.register_module()
class ProgressiveUnfreezeHook(Hook):
    """Freezes all of the model but the parts that the current stage trains.

    A frozen part gets no gradient, is not changed by the optimizer (weight decay included) and is in eval mode: no
    dropout, no drift of batch-norm statistics. Every parameter that some stage trains is in the optimizer from the
    start, so a resumed run has the same groups; the stage follows from the epoch alone. In distributed training the
    model is wrapped anew where a stage begins, because parameters that are unfrozen after the wrap would not be
    synchronised.

    Args:
        stages: name -> stage, so that an ablation changes one by its name; None leaves a stage out. Each is a dict with
            epoch (int): epochs done when the stage starts; one of them starts at 0;
            train (list[str]): globs over module names, all that this stage trains. What the model itself keeps frozen
                (a SAM image encoder, say) stays frozen; a module without parameters (most gates) may be named;
            eval (list[str], optional): globs over module names that stay in eval mode although their weights train;
                "decoder.*:BatchNorm*" restricts a glob to modules of a class;
            lr_factor (dict[str, float], optional): glob over module names -> factor on the learning rate in this stage,
                for whole optimizer groups.

    Raises:
        ValueError: there is no stage, two start at the same epoch, or none at 0; a glob matches nothing (near names are given);
            a stage trains parameters that are not in the optimizer; a factor applies to a part of an optimizer group.
    """

    def __init__(self, stages: dict[str, dict | None]):
        built = [_build_stage(name, stage) for name, stage in stages.items() if stage is not None]
        if not built:
            raise UserError("ProgressiveUnfreezeHook: stages is empty")
        self.stages = sorted(built, key=lambda stage: stage.epoch)
        starts = [stage.epoch for stage in self.stages]
        if starts[0] != 0 or starts != sorted(set(starts)):
            listed = ", ".join(f"{stage.name} at {stage.epoch}" for stage in self.stages)
            raise UserError(
                f"ProgressiveUnfreezeHook: stages start at epochs: {listed}; one must start at 0, and no two together"
            )
        self._current: _Stage | None = None
        self._trainable: dict[str, nn.Parameter] = {}
        self._evaluated: list[nn.Module] = []
        self._unscaled: list[float] = []

    def before_train(self, runner) -> None:
        """Reads what is trainable at all, checks all stages, and enters the one of the (resumed) epoch."""
        model = _bare(runner.model)
        self._trainable = {name: p for name, p in model.named_parameters() if p.requires_grad}
        optimized = {id(p) for group in runner.optim_wrapper.param_groups for p in group["params"]}
        for stage in self.stages:
            stage.resolve(model, self._trainable)
            left_out = sorted(name for name in stage.trained if id(self._trainable[name]) not in optimized)
            if left_out:
                raise UserError(
                    f"{stage.where} trains {len(left_out)} parameters that the optimizer doesn't have, e.g. "
                    f"{left_out[0]}; add their part to optim_wrapper.paramwise_cfg.groups"
                )
            stage.group_factors(runner.optim_wrapper.param_groups, self._trainable)
        trained = {name.split(".")[0] for stage in self.stages for name in stage.trained}
        forgotten = sorted({name.split(".")[0] for name in self._trainable} - trained)
        if forgotten:
            runner.logger.warning(
                f"No stage of ProgressiveUnfreezeHook trains any of {', '.join(forgotten)}: its parameters keep the values "
                "that they start with. Name it in a stage's `train`, and in optim_wrapper.paramwise_cfg.groups"
            )
        if any(stage.lr_factor for stage in self.stages):
            optimizer = runner.optim_wrapper.optimizer
            optimizer.register_step_pre_hook(lambda *_: self._scale_lr(optimizer))
            optimizer.register_step_post_hook(lambda *_: self._restore_lr(optimizer))
        self._enter(runner)

    def before_train_epoch(self, runner) -> None:
        self._enter(runner)

    def before_train_iter(self, runner, batch_idx: int, data_batch=None) -> None:
        # The loop has called model.train() since the stage began.
        for module in self._evaluated:
            module.training = False

    def _enter(self, runner) -> None:
        stage = max((s for s in self.stages if s.epoch <= runner.epoch), key=lambda s: s.epoch)
        if stage is self._current:
            return
        self._current = stage
        for name, parameter in self._trainable.items():
            parameter.requires_grad_(name in stage.trained)
            if name not in stage.trained:
                parameter.grad = None
        self._evaluated = stage.evaluated
        if is_model_wrapper(runner.model):
            self._wrap_again(runner)
        runner.logger.info(stage.describe(_bare(runner.model)))

    @staticmethod
    def _wrap_again(runner) -> None:
        model = _bare(runner.model)
        # The old wrapper's gradient hooks live as long as it does, and it sits in a reference cycle.
        runner.model = None
        gc.collect()
        runner.model = runner.wrap_model(runner.cfg.get("model_wrapper_cfg"), model)

    def _scale_lr(self, optimizer) -> None:
        """Applies the factors for the time of one step, so that schedulers and checkpoints see the unscaled rates."""
        self._unscaled = [group["lr"] for group in optimizer.param_groups]
        for group, factor in zip(optimizer.param_groups, self._current.factors):
            group["lr"] *= factor

    def _restore_lr(self, optimizer) -> None:
        for group, lr in zip(optimizer.param_groups, self._unscaled):
            group["lr"] = lr


def _build_stage(name: str, stage: dict) -> "_Stage":
    unknown = sorted(set(stage) - {"epoch", "train", "eval", "lr_factor"})
    if unknown or "train" not in stage:
        found = f"has {', '.join(unknown)}" if unknown else "trains nothing"
        raise UserError(
            f"ProgressiveUnfreezeHook.stages.{name} {found}; a stage has train, and may have epoch, eval and lr_factor. Is the name "
            "of a stage misspelt?"
        )
    return _Stage(name, **stage)


class _Stage:
    """One stage, and after `resolve` and `group_factors` what it means for a given model and optimizer."""

    def __init__(
        self,
        name: str,
        train: list[str],
        epoch: int = 0,
        eval: list[str] = (),
        lr_factor: dict | None = None,
    ):
        self.where = f"ProgressiveUnfreezeHook.stages.{name}"
        self.name, self.epoch, self.train, self.eval = name, epoch, train, eval
        self.lr_factor = dict(lr_factor or {})
        self.trained: set[str] = set()
        self.evaluated: list[nn.Module] = []
        self.factors: list[float] = []

    def resolve(self, model: nn.Module, trainable: dict) -> None:
        for glob in self.train:
            chosen = select_parameters(model, [glob], f"{self.where}.train")
            if chosen and not chosen & trainable.keys():
                raise UserError(
                    f"{self.where}.train: all {len(chosen)} parameters of {glob!r} are kept frozen by the model itself"
                )
            self.trained |= chosen & trainable.keys()
        for glob in self.lr_factor:
            select_parameters(model, [glob], f"{self.where}.lr_factor")
        evaluated = {id(m): m for m in select_modules(model, self.eval, f"{self.where}.eval")}
        # Frozen: holds parameters, none of which are trained. What has no parameters at all (a loss) is left alone.
        frozen = _containers(name for name, _ in model.named_parameters()) - _containers(self.trained)
        for name, module in model.named_modules():
            if name in frozen:
                evaluated.update((id(inner), inner) for inner in module.modules())
        self.evaluated = list(evaluated.values())

    def group_factors(self, groups: list[dict], trainable: dict) -> None:
        names = {id(p): name for name, p in trainable.items()}
        self.factors = []
        for index, group in enumerate(groups):
            factors = {self._factor(names[id(p)]) for p in group["params"] if id(p) in names} or {1.0}
            if len(factors) > 1:
                raise UserError(
                    f"{self.where}.lr_factor gives the parameters of optimizer group {group.get('name', index)!r} the "
                    f"factors {sorted(factors)}; a group has one learning rate: give each part its own glob in "
                    "optim_wrapper.paramwise_cfg.groups"
                )
            self.factors.append(factors.pop())

    def _factor(self, name: str) -> float:
        return next((factor for glob, factor in self.lr_factor.items() if is_below(name, glob)), 1.0)

    def describe(self, model: nn.Module) -> str:
        total = sum(p.numel() for p in model.parameters())
        counts: dict[str, int] = {}
        for name, parameter in model.named_parameters():
            if name in self.trained:
                part = name.split(".")[0]
                counts[part] = counts.get(part, 0) + parameter.numel()
        parts = ", ".join(f"{part} {count:,}" for part, count in counts.items())
        trained = f"{sum(counts.values()):,} of {total:,} parameters ({parts})"
        return f"Stage {self.name!r} from epoch {self.epoch}: trains {trained}"


def _containers(names: Iterable[str]) -> set[str]:
    """Returns the names of all modules that hold one of the parameters, at any depth."""
    return {name[:end] for name in names for end in range(len(name)) if name[end] == "."}


def _bare(model: nn.Module) -> nn.Module:
    return model.module if is_model_wrapper(model) else model
