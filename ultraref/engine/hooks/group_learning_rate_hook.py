"""Logs the learning rate of each optimizer group."""

from mmengine.hooks import Hook

from ultraref.registry import HOOKS


@HOOKS.register_module()
class GroupLearningRateHook(Hook):
    """Logs `train/GROUP/lr` of every optimizer group that has a name; MMEngine logs the first group's rate only.

    Names are the globs of `GlobOptimWrapperConstructor`. The logged rate is without the factors of
    `ProgressiveUnfreezeHook`.
    """

    def before_train_iter(self, runner, batch_idx: int, data_batch=None) -> None:
        for group in runner.optim_wrapper.param_groups:
            if "name" in group:
                runner.message_hub.update_scalar(f"train/{group['name']}/lr", group["lr"])
