"""What a checkpoint holds beside weights must fit the run that goes on from it."""

from collections.abc import Iterator, Mapping, Sized
from contextlib import contextmanager
from itertools import chain

from mmengine.optim import OptimWrapper, OptimWrapperDict

from ultraref.checkpoint import not_finite
from ultraref.errors import UserError

# Averages that an optimizer keeps of a gradient, in the parameter's own shape.
_AVERAGES = ("exp_avg", "exp_avg_sq", "max_exp_avg_sq", "momentum_buffer")
# What the keys of averaged weights begin with.
_AVERAGED = "module."
# What `load_state_dict` of optimizers, schedules and the log raise for another content than their own.
_MISFITS = (AssertionError, AttributeError, IndexError, KeyError, RuntimeError, TypeError, ValueError)


@contextmanager
def restoring(filename: str) -> Iterator[None]:
    """Context manager that turns what restoring from a checkpoint raises into one UserError."""
    try:
        yield
    except UserError:
        raise
    except _MISFITS as error:
        raise UserError(
            f"{filename} can't be resumed from: its optimizer, schedules, gradients or log don't fit this run "
            f"({type(error).__name__}: {error}). Start a new run from its weights: without --resume, with --cfg-options "
            f"load_from={filename}"
        ) from error


def require_schedules(stored: Sized, own: Sized) -> None:
    """Refuses a checkpoint with other schedules in number, of which some would begin anew.

    Raises:
        ValueError: the numbers differ.
    """
    if len(stored) != len(own):
        raise ValueError(f"it has {len(stored)} schedules, the run {len(own)}")


def require_averages(optim_wrapper: OptimWrapper | OptimWrapperDict) -> None:
    """Refuses averages of other shapes than their parameters', which torch loads and broadcasts, and such that aren't finite.

    Raises:
        ValueError: there is one.
    """
    wrappers = optim_wrapper.values() if isinstance(optim_wrapper, OptimWrapperDict) else [optim_wrapper]
    for parameter, state in chain.from_iterable(wrapper.optimizer.state.items() for wrapper in wrappers):
        for name in _AVERAGES:
            average = state.get(name)
            if average is None:
                continue
            if not average.sum().isfinite():
                raise ValueError(f"the optimizer's {name} holds numbers that aren't finite")
            if average.shape != parameter.shape:
                raise ValueError(
                    f"the optimizer's {name} is {tuple(average.shape)}, its parameter {tuple(parameter.shape)}"
                )


def require_averaged_weights(checkpoint: Mapping) -> None:
    """Refuses averaged weights (of MMEngine's EMAHook) that are missing, or others than the model's.

    Raises:
        ValueError: they don't fit, or hold numbers that aren't finite.
    """
    state, averaged = checkpoint["state_dict"], checkpoint.get("ema_state_dict")
    if not isinstance(averaged, Mapping):
        raise ValueError("it has no averaged weights, of which the run's EMAHook would begin new ones")
    averaged = {key.removeprefix(_AVERAGED): value for key, value in averaged.items() if key.startswith(_AVERAGED)}
    strange = [
        key
        for key in {*state, *averaged}
        if getattr(state.get(key), "shape", None) != getattr(averaged.get(key), "shape", 0)
    ]
    if strange:
        raise ValueError(f"its averaged weights are others than its weights: {', '.join(sorted(strange)[:3])}")
    # They change places when they are loaded, so that either may be the average.
    broken = not_finite(state) or not_finite(averaged)
    if broken:
        raise ValueError(f"its averaged weights hold numbers that aren't finite: {', '.join(broken[:3])}")
