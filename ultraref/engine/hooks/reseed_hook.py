"""Random numbers that depend on the iteration alone, so that a resumed run draws what the unbroken one would have."""

import random

import numpy as np
import torch
from mmengine.hooks import Hook

from ultraref.registry import HOOKS


@HOOKS.register_module()
class ReseedHook(Hook):
    """Reseeds torch, NumPy and Python before every training iteration, epoch, validation and test.

    The seed is `numpy.random.SeedSequence([seed, rank, iteration])`, with one spawn key for each of the four purposes.
    Together with `EpochSampler`, and data sets that draw from `default_rng([seed, epoch, index])`, a run that was
    stopped and resumed is bit-identical to one that was not.
    """

    priority = "VERY_HIGH"

    def before_train_epoch(self, runner) -> None:
        # Seeds the data workers that start now, and what the main process draws while loading the first batch.
        reseed(runner.seed, runner.rank, runner.iter, purpose=1)

    def before_train_iter(self, runner, batch_idx: int, data_batch=None) -> None:
        reseed(runner.seed, runner.rank, runner.iter, purpose=0)

    def before_val_epoch(self, runner) -> None:
        reseed(runner.seed, runner.rank, runner.iter, purpose=2)

    def before_test_epoch(self, runner) -> None:
        reseed(runner.seed, runner.rank, 0, purpose=3)


def reseed(seed: int, rank: int, iteration: int, purpose: int = 0) -> None:
    """Seeds the global generators of torch (all devices), NumPy and Python from the four numbers."""
    sequence = np.random.SeedSequence([seed, rank, iteration], spawn_key=(purpose,))
    for_torch, for_numpy, for_python = sequence.generate_state(3, np.uint64).tolist()
    torch.manual_seed(for_torch)
    np.random.seed(for_numpy % 2**32)  # noqa: NPY002  third-party code that draws from the global state
    random.seed(for_python)
