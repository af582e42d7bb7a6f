"""Gives all processes of a run the same batch-norm statistics."""

import torch
from mmengine.dist import all_reduce, get_world_size
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from torch import nn
from torch.nn.modules.batchnorm import _NormBase

from ultraref.registry import HOOKS


@HOOKS.register_module()
class BatchNormStatisticsHook(Hook):
    """Averages running means and variances over the processes of a distributed run after each iteration.

    Each process normalises by its own batch and counts in that one alone, so that without this the models of the processes differ, and
    the score of a validation, to which each contributes the images that it has, is that of no checkpoint. As the running
    statistics are linear in those of the batches, to average them after each iteration is the same as to average them once before the
    validation, but for rounding; it also holds for the averages of an EMA hook and for a checkpoint within an epoch.

    Layers in eval mode keep their statistics, as all processes have the same; `SyncBatchNorm` has shared the batches' already. `UltraRunner`
    adds the hook to every run, as `batch_norm_statistics`.
    """

    # Before the EMA hook.
    priority = "VERY_HIGH"

    def __init__(self):
        self._layers: list[_NormBase] = []

    def before_train(self, runner) -> None:
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        self._layers = [
            module
            for module in model.modules()
            if isinstance(module, _NormBase)
            and not isinstance(module, nn.SyncBatchNorm)
            and module.running_mean is not None
        ]

    def after_train_iter(self, runner, batch_idx: int, data_batch=None, outputs: dict | None = None) -> None:
        if get_world_size() == 1:
            return
        buffers = [
            buffer for layer in self._layers if layer.training for buffer in (layer.running_mean, layer.running_var)
        ]
        if not buffers:
            return
        # One message for all layers.
        flat = torch.cat([buffer.float() for buffer in buffers])
        all_reduce(flat, "mean")
        for buffer, mean in zip(buffers, flat.split([buffer.numel() for buffer in buffers])):
            buffer.copy_(mean)
