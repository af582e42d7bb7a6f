"""Optimizer groups chosen by the names of modules."""

from mmengine.logging import print_log
from mmengine.model import is_model_wrapper
from mmengine.optim import OptimWrapper
from mmengine.registry import OPTIMIZERS
from torch import nn

from ultraref.engine.module_globs import is_below, select_parameters
from ultraref.errors import UserError
from ultraref.registry import OPTIM_WRAPPER_CONSTRUCTORS, OPTIM_WRAPPERS


@OPTIM_WRAPPER_CONSTRUCTORS.register_module()
class GlobOptimWrapperConstructor:
    """Builds an optimizer with one group for each glob over module names.

    Example:
        >>> optim_wrapper = dict(
        ...     type="OptimWrapper",
        ...     optimizer=dict(type="AdamW", lr=1e-5, weight_decay=1e-2),
        ...     constructor="GlobOptimWrapperConstructor",
        ...     paramwise_cfg=dict(groups={"refiner": dict(lr=1e-6), "coarse_source": dict(weight_decay=0.0)}),
        ... )

    Args:
        optim_wrapper_cfg: the config of the wrapper, with `optimizer`.
        paramwise_cfg: None, or dict(groups={glob: dict of optimizer options}). A parameter goes to the first glob that
            matches it or a module that contains it; one that no glob matches is not optimised, which is logged. A glob
            for a module without parameters makes no group. None: one group of all parameters.

    Only parameters that require a gradient when the optimizer is built are optimised.

    Raises:
        ValueError: a glob matches nothing (near names are given), or only parameters that are frozen or that an earlier
            glob took; an unknown key in `paramwise_cfg`.
    """

    def __init__(self, optim_wrapper_cfg: dict, paramwise_cfg: dict | None = None):
        unknown = sorted(set(paramwise_cfg or {}) - {"groups"})
        if unknown:
            raise UserError(f"GlobOptimWrapperConstructor: paramwise_cfg has {', '.join(unknown)}; it may have groups")
        self.wrapper_cfg = dict(optim_wrapper_cfg)
        self.optimizer_cfg = self.wrapper_cfg.pop("optimizer")
        self.groups = dict((paramwise_cfg or {}).get("groups", {}))

    def __call__(self, model: nn.Module) -> OptimWrapper:
        """Returns the optimizer wrapper for `model`, which may be wrapped for distributed training."""
        model = model.module if is_model_wrapper(model) else model
        rest = {name: p for name, p in model.named_parameters() if p.requires_grad}
        if self.groups:
            taken = [self._take(model, glob, options, rest) for glob, options in self.groups.items()]
            params = [group for group in taken if group is not None]
            if rest:
                names = ", ".join(list(rest)[:5])
                print_log(f"No optimizer group takes {len(rest)} trainable parameters, e.g. {names}", "current")
        else:
            params = list(rest.values())
        optimizer = OPTIMIZERS.build({**self.optimizer_cfg, "params": params})
        return OPTIM_WRAPPERS.build({"type": "OptimWrapper", **self.wrapper_cfg}, default_args={"optimizer": optimizer})

    @staticmethod
    def _take(model: nn.Module, glob: str, options: dict, rest: dict[str, nn.Parameter]) -> dict | None:
        """Moves what `glob` matches from `rest` to a new group; None if it has no parameters."""
        where = "optim_wrapper.paramwise_cfg.groups"
        matched = select_parameters(model, [glob], where)
        if not matched:
            return None
        taken = [name for name in rest if is_below(name, glob)]
        if not taken:
            raise UserError(
                f"{where}: all {len(matched)} parameters of {glob!r} are frozen, or taken by an earlier glob"
            )
        return {"params": [rest.pop(name) for name in taken], "name": glob, **options}
