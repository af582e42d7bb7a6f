"""Gradients clipped group by group."""

from mmengine.optim import OptimWrapper

from ultraref.registry import OPTIM_WRAPPERS


@OPTIM_WRAPPERS.register_module()
class GroupClipOptimWrapper(OptimWrapper):
    """An optimizer wrapper that clips each of the optimizer's groups by itself.

    Clipping by the norm of all gradients together couples parts that share none: what one of them is scaled by depends on the other. A part
    that must change nothing else, such as a quality head, gets a group of its own (`GlobOptimWrapperConstructor`), and the others train as
    without it, bit for bit. `grad_norm` in the log is that of the first group.

    Args:
        *args, **kwargs: those of `mmengine.optim.OptimWrapper`.
    """

    def _clip_grad(self) -> None:
        logged = False
        for group in self.optimizer.param_groups:
            params = [p for p in group["params"] if p.requires_grad and p.grad is not None]
            if not params:
                continue
            norm = self.clip_func(params, **self.clip_grad_kwargs)
            # Clipping by value has no norm.
            if norm is not None and not logged:
                self.message_hub.update_scalar(f"train/{self.grad_name}", float(norm))
                logged = True
