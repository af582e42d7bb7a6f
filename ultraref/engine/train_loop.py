"""The train loop: MMEngine's by epochs, which a signal can stop after any iteration, and which goes on from there."""

import signal
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from mmengine.dist import get_world_size
from mmengine.hooks import EMAHook, Hook
from mmengine.optim import OptimWrapperDict
from mmengine.runner import EpochBasedTrainLoop

from ultraref.engine.stop_request import StopRequest
from ultraref.engine.work_dir import LAST_CHECKPOINT
from ultraref.errors import RunStopped
from ultraref.registry import LOOPS


@LOOPS.register_module()
class UltraTrainLoop(EpochBasedTrainLoop):
    """Trains epoch by epoch, and validates.

    SIGTERM, SIGINT (Ctrl-C) and SIGUSR1 end it after the iteration that runs: `last.pth` is written as it is, in the middle of an
    epoch or of a validation, and a run that is resumed from it is the unbroken one. Several processes stop after the same iteration, which
    is one that ends in a step of the optimizer, as each has gradients of its own before.

    Attributes:
        validation_due: whether the epochs so far were trained, but the validation after them wasn't done. Set when a run is resumed.
    """

    validation_due = False

    def run(self):
        """Trains, and returns the model.

        Raises:
            RunStopped: a signal asked for it. All is saved.
        """
        self.runner.call_hook("before_train")
        with StopRequest() as self._request:
            self.runner.register_hook(_StopInValidation(self))
            if self.validation_due:
                self._validate()
            while self._epoch < self._max_epochs and not self.stop_training:
                self.run_epoch()
                self._decide_current_val_interval()
                due = self._epoch % self.val_interval == 0 or self._epoch == self._max_epochs
                if self.runner.val_loop is not None and self._epoch >= self.val_begin and due:
                    self._validate()
        self.runner.call_hook("after_train")
        return self.runner.model

    def run_epoch(self) -> None:
        """Trains for one epoch, or for what is left of it."""
        self.runner.call_hook("before_train_epoch")
        self.runner.model.train()
        done = self._iter - self._epoch * len(self.dataloader)
        for index, batch in enumerate(self._batches_after(done), done):
            self.run_iter(index, batch)
            number = self.asked_to_stop()
            if number:
                self._stop(number)
        self.runner.call_hook("after_train_epoch")
        self._epoch += 1

    def _batches_after(self, done: int) -> Iterator:
        """Yields the batches of this epoch but for the first so many."""
        sampler = self.dataloader.sampler
        if not hasattr(sampler, "set_start") or self.dataloader.batch_size is None:
            # One of another package, whose order is known only to itself.
            yield from islice(self.dataloader, done, None)
            return
        sampler.set_start(done * self.dataloader.batch_size)
        try:
            yield from self.dataloader
        finally:
            sampler.set_start(0)

    def asked_to_stop(self) -> int:
        """Returns the number of the signal that asks the run to stop here, 0 if none does or it can't."""
        number = self._request.agreed()
        wrapper = self.runner.optim_wrapper
        has_stepped = get_world_size() == 1 or isinstance(wrapper, OptimWrapperDict) or wrapper.should_update()
        return number if has_stepped else 0

    def _validate(self) -> None:
        self.validation_due = True
        try:
            self.runner.val_loop.run()
        except _StopNowError as stop:
            for hook in self.runner.hooks:
                if isinstance(hook, EMAHook):
                    # It had put the averages in the place of the weights.
                    hook.after_val_epoch(self.runner)
            self._stop(stop.number)
        self.validation_due = False

    def _stop(self, number: int) -> None:
        runner = self.runner
        reached = {"epoch": self._epoch, "iter": self._iter, "validation_due": self.validation_due}
        runner.save_checkpoint(runner.work_dir, LAST_CHECKPOINT, meta=reached)
        raise RunStopped(
            f"stopped by {signal.Signals(number).name} after iteration {self._iter} of {self._max_iters}, saved to "
            f"{Path(runner.work_dir, LAST_CHECKPOINT)}; the same command with --resume goes on from there",
            number,
        )


class _StopNowError(Exception):
    def __init__(self, number: int):
        super().__init__(number)
        self.number = number


class _StopInValidation(Hook):
    """Breaks off the validation between two batches."""

    priority = "LOWEST"

    def __init__(self, loop: UltraTrainLoop):
        self._loop = loop

    def after_val_iter(self, runner, batch_idx: int, data_batch=None, outputs=None) -> None:
        number = self._loop.asked_to_stop()
        if number:
            raise _StopNowError(number)
