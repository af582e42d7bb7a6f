"""Schedules of a resumed run that has more epochs than before."""

import warnings
from collections.abc import Iterable, Sequence
from contextlib import contextmanager

from mmengine.optim import OptimWrapper, _ParamScheduler


@contextmanager
def replayed(
    schedulers: Sequence[_ParamScheduler], optim_wrapper: OptimWrapper, epochs: int, iterations: int, epoch_length: int
):
    """Context manager in which the state of a checkpoint may be loaded into the optimizer of a run that has grown.

    The new schedules hold from here on, as if they had from the beginning: they are stepped through what was trained, and what they
    give for the next iteration replaces what the checkpoint has.

    Args:
        schedulers: newly built ones; at their first step.
        optim_wrapper: their optimizer.
        epochs: how many were trained.
        iterations: how many were trained, those of an epoch that isn't counted yet included.
        epoch_length: iterations of an epoch.
    """
    with warnings.catch_warnings():
        # That the optimizer has made no step yet.
        warnings.simplefilter("ignore")
        for iteration in range(1, iterations + 1):
            _step(s for s in schedulers if not s.by_epoch)
            if iteration % epoch_length == 0 and iteration <= epochs * epoch_length:
                _step(s for s in schedulers if s.by_epoch)
    names = {scheduler.param_name for scheduler in schedulers}
    values = [{name: group[name] for name in names if name in group} for group in optim_wrapper.param_groups]
    yield
    for group, value in zip(optim_wrapper.param_groups, values):
        group.update(value)


def _step(schedulers: Iterable[_ParamScheduler]) -> None:
    for scheduler in schedulers:
        scheduler.step()
